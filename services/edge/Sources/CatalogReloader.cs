using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>
/// Keeps the catalog up to date while the process runs. It looks at the content every few seconds instead of watching files: a mounted
/// ConfigMap is replaced by moving symbolic links, which file watchers miss. A broken new version changes nothing and is reported.
/// </summary>
public sealed partial class CatalogReloader(
    CatalogFile file, SecretReader secrets, CurrentCatalog current, EdgeOptions options, EdgeMetrics metrics, DependencyStates dependencies, TimeProvider clock,
    ILogger<CatalogReloader> logger)
    : BackgroundService
{
    private static readonly TimeSpan StartInterval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(30);

    private readonly DependencyState _state = dependencies.Of("senders", "The newest configuration of the senders is not in use; the notes say why, and the last good one stays");
    private byte[] _fingerprint = [];

    /// <summary>Loads the catalog before the service takes requests.</summary>
    /// <exception cref="CatalogException">The configuration cannot be used: the process must not start with it.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await LoadAsync(cancellationToken);
        current.HasSettled = current.Problems.Count == 0;
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await SettleAsync(stoppingToken);
        using var timer = new PeriodicTimer(options.ReloadInterval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
            await ReloadAsync(stoppingToken);
    }

    private async Task SettleAsync(CancellationToken stoppingToken)
    {
        var started = clock.GetTimestamp();
        while (current.Problems.Count > 0 && clock.GetElapsedTime(started) < StartPatience)
        {
            await Task.Delay(StartInterval, clock, stoppingToken);
            await ReloadAsync(stoppingToken);
        }

        current.HasSettled = true;
    }

    private async Task ReloadAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LoadAsync(cancellationToken);
            _state.Works();
        }
        catch (CatalogException exception)
        {
            _state.Fails("invalid");
            Report([.. exception.Errors.Select(static error => $"The new configuration is not in use: {error}")]);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _state.Fails(exception);
            Report([$"The configuration could not be looked at ({exception.GetType().Name})."]);
        }
    }

    private async Task LoadAsync(CancellationToken cancellationToken)
    {
        var settings = await file.ReadAsync(cancellationToken);
        var (texts, problems) = await ReadSecretsAsync(settings, cancellationToken);
        var fingerprint = Fingerprint(settings, texts);
        if (!fingerprint.AsSpan().SequenceEqual(_fingerprint))
        {
            var (catalog, errors) = CatalogCompiler.Compile(settings, texts, options, current.Catalog);
            if (errors.Count > 0)
                throw new CatalogException(errors);
            current.Catalog = catalog;
            _fingerprint = fingerprint;
            metrics.CatalogLoaded(catalog.Names);
            Log.Loaded(logger, catalog.Count, texts.Count);
        }

        Report(problems);
    }

    private async Task<(Dictionary<SecretSettings, string> Texts, List<string> Problems)> ReadSecretsAsync(
        CatalogSettings settings, CancellationToken cancellationToken)
    {
        var texts = new Dictionary<SecretSettings, string>(ReferenceEqualityComparer.Instance);
        var problems = new List<string>();
        foreach (var (kind, entries) in settings.ByKind())
        {
            foreach (var entry in entries)
            {
                foreach (var secret in entry.Secrets)
                {
                    var (text, problem) = await secrets.ReadAsync(secret, kind, cancellationToken);
                    if (text is not null)
                        texts[secret] = text;
                    if (problem is not null)
                        problems.Add($"{CatalogValidator.SectionOf(kind)}, {entry.Name}, secret {secret.Id}: {problem}");
                }
            }
        }

        secrets.EndRound();
        return (texts, problems);
    }

    private void Report(IReadOnlyList<string> problems)
    {
        metrics.CatalogProblems = problems.Count;
        if (problems.SequenceEqual(current.Problems))
            return;
        current.Problems = problems;
        foreach (var problem in problems)
            Log.Problem(logger, problem);
        if (problems.Count == 0)
            Log.ProblemsOver(logger);
    }

    private static byte[] Fingerprint(CatalogSettings settings, Dictionary<SecretSettings, string> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(settings, CatalogJson.Default.CatalogSettings));
        foreach (var (_, entries) in settings.ByKind())
        {
            foreach (var secret in entries.SelectMany(static entry => entry.Secrets))
                hash.AppendData(SHA256.HashData(Encoding.UTF8.GetBytes(texts.TryGetValue(secret, out var text) ? "=" + text : "")));
        }

        return hash.GetHashAndReset();
    }

    private static partial class Log
    {
        [LoggerMessage(1010, LogLevel.Information, "{Sources} senders with {Secrets} secrets are in use")]
        public static partial void Loaded(ILogger logger, int sources, int secrets);

        [LoggerMessage(1011, LogLevel.Error, "Senders: {Problem}")]
        public static partial void Problem(ILogger logger, string problem);

        [LoggerMessage(1012, LogLevel.Information, "The senders' configuration has no problem any more")]
        public static partial void ProblemsOver(ILogger logger);
    }
}
