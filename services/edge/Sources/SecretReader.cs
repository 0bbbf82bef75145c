using Dapr;
using Dapr.Client;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>What reading a secret gave.</summary>
/// <param name="Text">The secret; null when there is none to use.</param>
/// <param name="Problem">What went wrong, without the secret; null when nothing did. With a text: the last good one was kept.</param>
public readonly record struct SecretReading(string? Text, string? Problem);

/// <summary>
/// Reads secrets by reference and remembers the last good text of each: a secret store that is away, or a file caught half written, does
/// not lock out a collector whose secret was good a moment ago. A secret is withdrawn by its entry or its expiry, not by emptying it.
/// </summary>
/// <remarks>Not for concurrent use: the reloader alone calls it.</remarks>
public sealed class SecretReader(DaprClient dapr, EdgeOptions options, DependencyStates dependencies, TimeProvider clock)
{
    private static readonly TimeSpan StorePatience = TimeSpan.FromSeconds(2);

    private readonly Dictionary<string, Remembered> _remembered = new(StringComparer.Ordinal);
    private readonly DependencyState _state = dependencies.Of("secrets", "Some of the senders' secrets cannot be read; the notes say which, and the last good values stay in use");
    private string? _failure;
    private bool _hasRead;

    /// <summary>
    /// Tells what the reads since the last call came to: one secret that cannot be read is told however many others can. A round that read
    /// nothing says nothing.
    /// </summary>
    public void EndRound()
    {
        if (_failure is { } code)
            _state.Fails(code);
        else if (_hasRead)
            _state.Works();
        (_failure, _hasRead) = (null, false);
    }

    /// <summary>Reads one secret. <see cref="SecretSettings.KeyHash"/> is no secret to read and gives its own text.</summary>
    /// <param name="secret">The reference.</param>
    /// <param name="kind">Decides what a usable text is.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<SecretReading> ReadAsync(SecretSettings secret, SourceKind kind, CancellationToken cancellationToken)
    {
        if (secret.KeyHash is { } hash)
            return new SecretReading(hash, null);
        var reference = secret.Value is null ? $"env {secret.Env}|file {secret.File}|store {secret.Store}, key {secret.Key}|{kind}" : null;
        if (reference is not null && secret.Store is not null && IsFresh(reference, out var kept))
            return new SecretReading(kept, null);
        var (text, problem) = await ReadTextAsync(secret, cancellationToken);
        problem ??= ProblemOf(text, kind);
        if (problem is null)
        {
            if (reference is not null)
                _remembered[reference] = new Remembered(text!, clock.GetTimestamp());
            return new SecretReading(text, null);
        }

        return reference is not null && _remembered.TryGetValue(reference, out var last)
            ? new SecretReading(last.Text, $"{problem} The last good value stays in use.")
            : new SecretReading(null, problem);
    }

    private static string? ProblemOf(string? text, SourceKind kind)
    {
        if (string.IsNullOrEmpty(text))
            return "It is empty or not there.";
        return kind == SourceKind.Collector && SecretText.IsWebhookSecret(text) && SecretText.DecodeWebhookSecret(text) is null
            ? "It begins with whsec_ but what follows is not base64."
            : null;
    }

    private async ValueTask<(string? Text, string? Problem)> ReadTextAsync(SecretSettings secret, CancellationToken cancellationToken)
    {
        if (secret.Value is { } value)
            return (value, null);
        if (secret.Env is { } variable)
            return (Environment.GetEnvironmentVariable(variable), null);
        if (secret.File is { } path)
            return await ReadFileAsync(path, cancellationToken);
        return await ReadStoreAsync(secret.Store!, secret.Key!, cancellationToken);
    }

    private async ValueTask<(string? Text, string? Problem)> ReadFileAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            var text = await File.ReadAllTextAsync(path, cancellationToken);
            _hasRead = true;
            return (text.TrimEnd('\r', '\n'), null);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _failure ??= FailureCode.Of(exception);
            return (null, $"The file cannot be read ({exception.GetType().Name}).");
        }
    }

    private async ValueTask<(string? Text, string? Problem)> ReadStoreAsync(string store, string key, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(StorePatience);
        try
        {
            var values = await dapr.GetSecretAsync(store, key, cancellationToken: patience.Token);
            _hasRead = true;
            if (values.TryGetValue(key, out var text) || (values.Count == 1 && (text = values.Values.First()) is not null))
                return (text, null);
            return (null, $"The secret store gives {values.Count} values and none is named like the key.");
        }
        catch (DaprException exception)
        {
            _failure ??= FailureCode.Of(exception);
            return (null, "The secret store did not give it; see the sidecar's log.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _failure ??= FailureCode.Timeout;
            return (null, $"The secret store did not answer within {StorePatience.TotalSeconds} s.");
        }
    }

    private bool IsFresh(string reference, out string? text)
    {
        var found = _remembered.TryGetValue(reference, out var last);
        text = found ? last.Text : null;
        return found && clock.GetElapsedTime(last.ReadAt) < options.SecretStoreRefresh;
    }

    private readonly record struct Remembered(string Text, long ReadAt);
}
