using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Tokens and secrets that are made for one mesh and kept as long as its data.</summary>
public sealed record MeshSecrets
{
    /// <summary>What apps show to their sidecar; empty when the sidecars ask for nothing (the Dapr CLI cannot send a token).</summary>
    public string DaprApiToken { get; init; } = "";

    /// <summary>What sidecars show to their app.</summary>
    public string AppApiToken { get; init; } = "";

    /// <summary>What edge shows to ingest.</summary>
    public string InternalToken { get; init; } = "";

    /// <summary>Secret that the default collector signs with.</summary>
    public string CollectorSecret { get; init; } = "";

    /// <summary>Secret that the default collector signs Standard Webhooks with.</summary>
    public string StandardSecret { get; init; } = "";

    /// <summary>Secret that <c>./mesh smoke</c> signs with.</summary>
    public string SmokeSecret { get; init; } = "";

    /// <summary>API key of the simulated broker.</summary>
    public string BrokerApiKey { get; init; } = "";

    /// <summary>Key of the operator API for the whole of this mesh.</summary>
    public string OperatorKey { get; init; } = "";

    /// <summary>Connection strings by owner, of the mesh that runs now; they hold its password.</summary>
    public IReadOnlyDictionary<string, string> Databases { get; init; } = new Dictionary<string, string>();

    /// <summary>New random secrets.</summary>
    public static MeshSecrets Generate() => new()
    {
        DaprApiToken = Token(),
        AppApiToken = Token(),
        InternalToken = Token(),
        CollectorSecret = Token(),
        SmokeSecret = Token(),
        BrokerApiKey = Token(),
        OperatorKey = Operating.OperatorKeys.New(),
        StandardSecret = "whsec_" + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)),
    };

    /// <summary>The secrets of a folder; made and written (owner only) when it has none.</summary>
    public static MeshSecrets LoadOrCreate(MeshFolder folder)
    {
        if (File.Exists(folder.Secrets))
        {
            // A folder of an older mesh lacks the newer secrets, and what a file lacks is read as null, whatever the property begins with.
            // They are kept, or every command would make its own.
            var kept = JsonSerializer.Deserialize(File.ReadAllText(folder.Secrets), MeshJson.Default.MeshSecrets)!;
            var whole = kept with
            {
                BrokerApiKey = kept.BrokerApiKey is { Length: > 0 } brokerKey ? brokerKey : Token(),
                OperatorKey = kept.OperatorKey is { Length: > 0 } operatorKey ? operatorKey : Operating.OperatorKeys.New(),
            };
            if (whole != kept)
                whole.Save(folder);
            return whole;
        }

        var secrets = Generate();
        secrets.Save(folder);
        return secrets;
    }

    /// <summary>Writes them, for their owner only.</summary>
    public void Save(MeshFolder folder) => MeshFolder.WritePrivately(folder.Secrets, JsonSerializer.Serialize(this, MeshJson.Default.MeshSecrets));

    private static string Token() => RandomNumberGenerator.GetHexString(48, lowercase: true);
}

/// <summary>JSON of the launcher's files and of <c>--json</c>.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(MeshSecrets))]
[JsonSerializable(typeof(MeshState))]
[JsonSerializable(typeof(Commands.UpAnswer))]
[JsonSerializable(typeof(Commands.StatusAnswer))]
[JsonSerializable(typeof(IReadOnlyList<Testing.TestResults>))]
[JsonSerializable(typeof(Bench.BenchAnswer))]
[JsonSerializable(typeof(Bench.DispatchBenchAnswer))]
[JsonSerializable(typeof(Faults.FaultReport))]
[JsonSerializable(typeof(Transfer.ImportAnswer))]
internal sealed partial class MeshJson : JsonSerializerContext;
