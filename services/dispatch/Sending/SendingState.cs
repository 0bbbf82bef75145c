using System.Text.Json.Serialization;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>The block <c>whatsapp.runtime</c> of /healthz: how sending is set up and whether it can work. No secrets.</summary>
/// <param name="Mode">The setting as it was written.</param>
/// <param name="Transport">What that counts as: <c>http</c>, <c>dryrun</c> or <c>disabled</c>.</param>
/// <param name="Status"><c>running</c>, <c>rebuilding</c>, <c>not_configured</c>, <c>circuit_open</c> or <c>disabled</c>.</param>
/// <param name="Disabled">True when due jobs wait.</param>
/// <param name="Metrics">Numbers.</param>
internal sealed record SendingRuntime(string Mode, string Transport, string Status, bool Disabled, SendingNumbers Metrics);

/// <summary>Numbers of this replica, and of what waits for any.</summary>
/// <param name="InFlight">Jobs between claim and end.</param>
/// <param name="CircuitOpen">The sidecar's circuit breaker lets no call through.</param>
/// <param name="Sent">Jobs that this replica has sent since it started.</param>
/// <param name="Failed">Jobs that have failed for good here since it started.</param>
/// <param name="Waiting">Jobs of all replicas that were due and not taken when they were last counted; null when they have not been yet.</param>
/// <param name="Oldest">How long the first of those had been due then, in seconds; 0 when none was.</param>
internal sealed record SendingNumbers(int InFlight, bool CircuitOpen, long Sent, long Failed, long? Waiting, long? Oldest);

/// <summary>Body of /healthz.</summary>
/// <param name="Status"><c>ok</c>, or <c>degraded</c> while something that dispatch needs fails.</param>
/// <param name="Degraded">By dependency: what fails; absent when nothing does.</param>
/// <param name="WhatsApp">How sending is set up.</param>
internal sealed record SendingHealth(
    string Status,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string>? Degraded,
    [property: JsonPropertyName("whatsapp")] WhatsAppHealth WhatsApp);

/// <summary>The block <c>whatsapp</c> of /healthz.</summary>
internal sealed record WhatsAppHealth(SendingRuntime Runtime);

/// <summary>JSON of /healthz.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SendingHealth))]
internal sealed partial class SendingHealthJson : JsonSerializerContext;

/// <summary>Whether this replica can send, and what to say about it.</summary>
internal sealed class SendingState(SendingOptions options, BrokerCredentials credentials, BrokerCircuit circuit, InFlightJobs inFlight, SendFigures figures, RebuildState rebuild)
{
    // What the last look saw: /healthz answers without the database.
    private volatile bool _isRebuilding;

    /// <summary>True when due jobs may be handled; else they wait. While dispatch is rebuilt, what the lake had before may yet undo them.</summary>
    public async Task<bool> CanSendAsync(CancellationToken cancellationToken) =>
        await IsConfiguredAsync(cancellationToken) && !await IsRebuildingAsync(cancellationToken);

    /// <summary>True while dispatch has yet to read what the lake had when it began.</summary>
    public async Task<bool> IsRebuildingAsync(CancellationToken cancellationToken) =>
        _isRebuilding = !(await rebuild.GetAsync(cancellationToken)).IsComplete;

    /// <summary>True when the broker may be called: neither disabled nor without a key.</summary>
    public async Task<bool> HasBrokerAsync(CancellationToken cancellationToken) =>
        options.Mode != SendMode.Disabled && await credentials.ExistAsync(cancellationToken);

    /// <summary>What /healthz tells.</summary>
    public async Task<SendingRuntime> DescribeAsync(CancellationToken cancellationToken)
    {
        var isConfigured = await IsConfiguredAsync(cancellationToken);
        var status = options.Mode == SendMode.Disabled ? "disabled"
            : !isConfigured ? "not_configured"
            : _isRebuilding ? "rebuilding"
            : circuit.IsOpen ? "circuit_open" : "running";
        var waiting = figures.Waiting;
        var numbers = new SendingNumbers(inFlight.Count, circuit.IsOpen, figures.Sent, figures.Failed, waiting?.Jobs, waiting?.OldestSeconds);
        return new SendingRuntime(options.ModeSetting, options.Mode.ToString().ToLowerInvariant(), status, !isConfigured || _isRebuilding, numbers);
    }

    private async Task<bool> IsConfiguredAsync(CancellationToken cancellationToken) => options.Mode switch
    {
        SendMode.Disabled => false,
        SendMode.DryRun => true,
        _ => await credentials.ExistAsync(cancellationToken),
    };
}
