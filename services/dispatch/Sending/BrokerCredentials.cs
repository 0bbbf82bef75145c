using Dapr;
using Dapr.Client;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Whether the secret store has a key for the broker. The sidecar adds it to calls; it never comes near this process's memory for longer than the look.</summary>
internal sealed class BrokerCredentials(DaprClient dapr, SendingOptions options, DependencyStates dependencies, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(2);

    private readonly DependencyState _state = dependencies.Of(
        "broker key", $"The broker's key cannot be read in the secret store '{options.SecretStore}', so nothing new is known of it");
    private readonly SemaphoreSlim _one = new(1);
    private volatile Seen _seen = new(Exist: false, At: 0, GoodFor: TimeSpan.Zero);

    /// <summary>
    /// True when there is a key. Asked for at most every <see cref="SendingOptions.CredentialsAge"/>; a store that does not answer changes
    /// nothing and is asked again soon, for a secret that is missing and a sidecar that is still starting look alike.
    /// </summary>
    public async Task<bool> ExistAsync(CancellationToken cancellationToken)
    {
        if (IsFresh)
            return _seen.Exist;
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh)
                await LookAsync(cancellationToken);
            return _seen.Exist;
        }
        finally
        {
            _one.Release();
        }
    }

    private bool IsFresh => _seen is { } seen && time.GetElapsedTime(seen.At) < seen.GoodFor;

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Timeout);
        try
        {
            var secret = await dapr.GetSecretAsync(options.SecretStore, options.ApiKeySecret, cancellationToken: patience.Token);
            _seen = new(secret.Values.Any(static value => !string.IsNullOrWhiteSpace(value)), time.GetTimestamp(), options.CredentialsAge);
            _state.Works();
        }
        catch (Exception e) when (e is DaprException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _state.Fails(e);
            _seen = new(_seen.Exist, time.GetTimestamp(), AfterFailure < options.CredentialsAge ? AfterFailure : options.CredentialsAge);
        }
    }

    private sealed record Seen(bool Exist, long At, TimeSpan GoodFor);
}
