using System.Text.Json.Serialization;

namespace WhatsAppMesh.Membership.Store;

/// <summary>JSON that the store writes and reads.</summary>
[JsonSerializable(typeof(Dictionary<string, string?[]>))]
[JsonSerializable(typeof(JoinPayload))]
internal sealed partial class StoreJson : JsonSerializerContext;
