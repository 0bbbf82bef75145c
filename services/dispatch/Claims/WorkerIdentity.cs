using System.Globalization;
using System.Security.Cryptography;

namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>Who this process is in claims, attempts and logs: host, process id and a nonce, so that a restart is somebody else.</summary>
/// <param name="Name">The name.</param>
public sealed record WorkerIdentity(string Name)
{
    /// <summary>This process.</summary>
    public static WorkerIdentity Own() => new(string.Create(
        CultureInfo.InvariantCulture, $"{Environment.MachineName}/{Environment.ProcessId}/{RandomNumberGenerator.GetHexString(6, lowercase: true)}"));
}
