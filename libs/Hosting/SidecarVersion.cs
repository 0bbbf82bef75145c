using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// Asks the sidecar for its version once it answers, and says in the log and in /readyz when it is too old: before 1.17 a Dapr sidecar
/// drops events that this product counts on being dead-lettered or delivered again (HTTP 404, Redis failures, bulk subscriptions).
/// </summary>
public sealed partial class SidecarVersion(SidecarSettings sidecar, DependencyStates dependencies, TimeProvider clock, ILogger<SidecarVersion> logger)
    : BackgroundService, IReadinessNotes
{
    /// <summary>Oldest release of Dapr that this product runs on.</summary>
    public static readonly Version Oldest = new(1, 17);

    /// <summary>Oldest release whose access control cannot be passed by a crafted method name (CVE-2026-41491).</summary>
    public static readonly Version Sound = new(1, 17, 5);

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly DependencyState _state = dependencies.Of("sidecar metadata", "The Dapr sidecar does not tell its version");
    private volatile string[] _notes = [];

    /// <inheritdoc/>
    public string Name => "sidecar version";

    /// <inheritdoc/>
    public IReadOnlyList<string> Notes => _notes;

    /// <summary>What is wrong with a sidecar's version as it reports it; null when nothing is.</summary>
    /// <param name="reported">For instance <c>1.18.3</c> or <c>1.17.0-rc.1</c>. A build without a number (<c>edge</c>) is the operator's choice: no complaint.</param>
    public static string? Complaint(string? reported) => IsBefore(Oldest, reported)
        ? $"The Dapr sidecar is version {reported}; this service needs {Oldest} or newer: upgrade Dapr's control plane and restart this pod."
        : null;

    /// <summary>What is unsafe about a sidecar's version, though it works; null when nothing is.</summary>
    public static string? Warning(string? reported) => IsBefore(Sound, reported)
        ? $"The Dapr sidecar is version {reported}: a crafted method name passes its access control (CVE-2026-41491). {Sound} has the fix."
        : null;

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var client = SidecarHttp.ClientOf(sidecar, traced: false);
        for (var pause = FirstPause; !stoppingToken.IsCancellationRequested; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            if (await TryAskAsync(client, stoppingToken).ConfigureAwait(false) is { Length: > 0 } reported)
            {
                Report(reported);
                return;
            }
            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static bool IsBefore(Version release, string? reported) =>
        Version.TryParse((reported ?? "").TrimStart('v').Split('-', '+')[0], out var version) && version < release;

    private async Task<string?> TryAskAsync(HttpClient client, CancellationToken cancellationToken)
    {
        try
        {
            using var metadata = JsonDocument.Parse(await client.GetStringAsync("/v1.0/metadata", cancellationToken).ConfigureAwait(false));
            var reported = metadata.RootElement.TryGetProperty("runtimeVersion", out var version) ? version.GetString() : null;
            _state.Works();
            return reported;
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or OperationCanceledException or InvalidOperationException)
        {
            // Not up yet, or busy: the readiness check says so, and we ask again. One that answers and refuses is ready, and nobody else would tell.
            if (exception is HttpRequestException { StatusCode: not null })
                _state.Fails(exception);
            else if (!cancellationToken.IsCancellationRequested)
                _state.Count(exception);
            return null;
        }
    }

    private void Report(string reported)
    {
        if (Complaint(reported) is { } complaint)
        {
            _notes = [complaint];
            Log.TooOld(logger, complaint);
        }
        else
        {
            Log.Found(logger, reported);
            if (Warning(reported) is { } warning)
                Log.Unsound(logger, warning);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9020, LogLevel.Information, "The Dapr sidecar is version {Version}")]
        public static partial void Found(ILogger logger, string version);

        [LoggerMessage(9021, LogLevel.Error, "{Complaint}")]
        public static partial void TooOld(ILogger logger, string complaint);

        [LoggerMessage(9022, LogLevel.Warning, "{Warning}")]
        public static partial void Unsound(ILogger logger, string warning);
    }
}
