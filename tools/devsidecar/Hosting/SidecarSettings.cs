using System.Globalization;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>What the sidecar takes from its environment rather than from flags.</summary>
public sealed record SidecarSettings
{
    /// <summary>Npgsql connection string of the database all sidecars of a mesh share (<c>DEVSIDECAR_DATABASE</c>).</summary>
    public required string Database { get; init; }

    /// <summary>What callers must send as <c>dapr-api-token</c> (<c>DAPR_API_TOKEN</c>); null = anyone on the machine may call.</summary>
    public string? ApiToken { get; init; }

    /// <summary>What the sidecar sends as <c>dapr-api-token</c> on calls to its app (<c>APP_API_TOKEN</c>).</summary>
    public string? AppToken { get; init; }

    /// <summary>The namespace that this sidecar belongs to (<c>NAMESPACE</c>). Default <c>default</c>.</summary>
    public string Namespace { get; init; } = "default";

    /// <summary>How long a message stays after every known consumer group has settled it (<c>DEVSIDECAR_RETENTION_SECONDS</c>). Default 10 min.</summary>
    public TimeSpan Retention { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a message of a topic without any consumer group stays (<c>DEVSIDECAR_UNREAD_RETENTION_SECONDS</c>). Default 7 days.</summary>
    public TimeSpan UnreadRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Deliberate faults in deliveries, for tests only (<c>DEVSIDECAR_MISBEHAVE</c>); null = none.</summary>
    public string? Misbehave { get; init; }

    /// <summary>Reads the process environment.</summary>
    /// <exception cref="StartFailure">The database is not given, or a number is none.</exception>
    public static SidecarSettings FromEnvironment() => new()
    {
        Database = Text("DEVSIDECAR_DATABASE")
            ?? throw new StartFailure("DEVSIDECAR_DATABASE is not set: give it the Npgsql connection string of the mesh's sidecar database."),
        ApiToken = Text("DAPR_API_TOKEN"),
        AppToken = Text("APP_API_TOKEN"),
        Namespace = Text("NAMESPACE") ?? "default",
        Retention = Seconds("DEVSIDECAR_RETENTION_SECONDS") ?? TimeSpan.FromMinutes(10),
        UnreadRetention = Seconds("DEVSIDECAR_UNREAD_RETENTION_SECONDS") ?? TimeSpan.FromDays(7),
        Misbehave = Text("DEVSIDECAR_MISBEHAVE"),
    };

    private static string? Text(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static TimeSpan? Seconds(string name) => Text(name) is not { } text
        ? null
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds >= 0
            ? TimeSpan.FromSeconds(seconds)
            : throw new StartFailure($"{name} must be a number of seconds, not '{text}'.");
}
