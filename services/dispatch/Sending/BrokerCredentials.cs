using Dapr;
using Dapr.Client;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Whether the secret store has a key for the broker. The sidecar adds it to calls; it never comes near this process's memory for longer than the look.</summary>
internal sealed class BrokerCredentials(DaprClient dapr, SendingOptions options, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim _one = new(1);
    private long _askedAt;
    private bool? _known;

    /// <summary>What was seen last; null before the first look.</summary>
    public bool? Known => _known;

    /// <summary>True when there is a key. Asked for at most every <see cref="SendingOptions.CredentialsAge"/>; a store that does not answer changes nothing.</summary>
    public async Task<bool> ExistAsync(CancellationToken cancellationToken)
    {
        if (IsFresh)
            return _known == true;
        await _one.WaitAsync(cancellationToken);
        try
        {
            if (!IsFresh)
                await LookAsync(cancellationToken);
            return _known == true;
        }
        finally
        {
            _one.Release();
        }
    }

    private bool IsFresh => _known is not null && time.GetElapsedTime(_askedAt) < options.CredentialsAge;

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Timeout);
        try
        {
            var secret = await dapr.GetSecretAsync(options.SecretStore, options.ApiKeySecret, cancellationToken: patience.Token);
            _known = secret.Values.Any(static value => !string.IsNullOrWhiteSpace(value));
        }
        catch (DaprException) when (!cancellationToken.IsCancellationRequested)
        {
            // A secret that is missing and a store that is away look alike in an exception; what was known stays, and nothing known is no.
            _known ??= false;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            _known ??= false;
        }

        _askedAt = time.GetTimestamp();
    }
}
