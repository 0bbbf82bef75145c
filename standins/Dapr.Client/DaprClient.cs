using System.Text.Json;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;

namespace Dapr.Client;

/// <summary>
/// Speaks to the app's sidecar. Safe to share between threads. Every failure is a <see cref="DaprException"/>, except that a cancelled token
/// ends a call with <see cref="OperationCanceledException"/>.
/// </summary>
public abstract class DaprClient : IDisposable
{
    private bool _disposed;

    /// <summary>How values become JSON.</summary>
    public abstract JsonSerializerOptions JsonSerializerOptions { get; }

    /// <summary>A gRPC invoker that calls another app through the sidecar.</summary>
    /// <param name="appId">The app to call.</param>
    /// <param name="daprEndpoint">gRPC endpoint of the sidecar; null means that of the environment.</param>
    /// <param name="daprApiToken">Token that the sidecar asks for; null means that of the environment.</param>
    public static CallInvoker CreateInvocationInvoker(string appId, string? daprEndpoint = null, string? daprApiToken = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(appId);
        var headers = new InvocationHeaders(appId, daprApiToken ?? SidecarEnvironment.ApiToken());
        return GrpcChannel.ForAddress(daprEndpoint ?? SidecarEnvironment.GrpcEndpoint()).Intercept(headers.Add);
    }

    /// <summary>
    /// An HTTP client whose requests to <c>http://APP_ID/path</c> go through the sidecar. Answers of the other app are passed on as they are.
    /// </summary>
    /// <param name="appId">The app that relative addresses mean; null when every address is absolute.</param>
    /// <param name="daprEndpoint">HTTP endpoint of the sidecar; null means that of the environment.</param>
    /// <param name="daprApiToken">Token that the sidecar asks for; null means that of the environment.</param>
    /// <exception cref="ArgumentException">The app id cannot be the host of a URL.</exception>
    public static HttpClient CreateInvokeHttpClient(string? appId = null, string? daprEndpoint = null, string? daprApiToken = null) =>
        SidecarInvocation.CreateClient(
            appId, daprEndpoint ?? SidecarEnvironment.HttpEndpoint(), daprApiToken ?? SidecarEnvironment.ApiToken());

    /// <summary>As <see cref="CreateInvokeHttpClient"/>, with this client's sidecar.</summary>
    public abstract HttpClient CreateInvokableHttpClient(string? appId = null);

    /// <summary>True when the sidecar is ready, which includes its connection to the app.</summary>
    public abstract Task<bool> CheckHealthAsync(CancellationToken cancellationToken = default);

    /// <summary>True when the sidecar can be called, whether or not it reaches the app.</summary>
    public abstract Task<bool> CheckOutboundHealthAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until <see cref="CheckOutboundHealthAsync"/> is true, for as long as the token allows.</summary>
    public abstract Task WaitForSidecarAsync(CancellationToken cancellationToken = default);

    /// <summary>Asks the sidecar to end.</summary>
    public abstract Task ShutdownSidecarAsync(CancellationToken cancellationToken = default);

    /// <summary>What the sidecar says about itself.</summary>
    public abstract Task<DaprMetadata> GetMetadataAsync(CancellationToken cancellationToken = default);

    /// <summary>Sets an attribute that the sidecar's metadata show.</summary>
    public abstract Task SetMetadataAsync(string attributeName, string attributeValue, CancellationToken cancellationToken = default);

    /// <summary>A value; the default of its type when the key does not exist.</summary>
    public abstract Task<TValue> GetStateAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>A value and its version; the default and "" when the key does not exist.</summary>
    public abstract Task<(TValue value, string etag)> GetStateAndETagAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>A value that can be written back.</summary>
    public async Task<StateEntry<TValue>> GetStateEntryAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        var (value, etag) = await GetStateAndETagAsync<TValue>(storeName, key, consistencyMode, metadata, cancellationToken);
        return new StateEntry<TValue>(this, storeName, key, value, etag);
    }

    /// <summary>Several values as JSON text, in no order.</summary>
    /// <param name="storeName">Name of the store.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="parallelism">How many the sidecar reads at a time; null means its default.</param>
    /// <param name="metadata">Store's own settings.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public abstract Task<IReadOnlyList<BulkStateItem>> GetBulkStateAsync(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Several values, in no order.</summary>
    /// <inheritdoc cref="GetBulkStateAsync(string, IReadOnlyList{string}, int?, IReadOnlyDictionary{string, string}?, CancellationToken)"/>
    public abstract Task<IReadOnlyList<BulkStateItem<TValue>>> GetBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Saves a value over whatever is there.</summary>
    public abstract Task SaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Saves a value if <paramref name="etag"/> is still its version; false when it is not. An empty ETag asks for no check.</summary>
    /// <exception cref="ArgumentNullException">The ETag is null.</exception>
    public abstract Task<bool> TrySaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        string etag,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Saves several values, each on its own: after a failure some may have been saved.</summary>
    public abstract Task SaveBulkStateAsync<TValue>(
        string storeName, IReadOnlyList<SaveStateItem<TValue>> items, CancellationToken cancellationToken = default);

    /// <summary>Deletes a key; one that does not exist is no error.</summary>
    public abstract Task DeleteStateAsync(
        string storeName,
        string key,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Deletes a key if <paramref name="etag"/> is still its version; false when it is not. An empty ETag asks for no check.</summary>
    /// <exception cref="ArgumentNullException">The ETag is null.</exception>
    public abstract Task<bool> TryDeleteStateAsync(
        string storeName,
        string key,
        string etag,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>Deletes several keys, each on its own: after a failure some may have been deleted.</summary>
    public abstract Task DeleteBulkStateAsync(
        string storeName, IReadOnlyList<BulkDeleteStateItem> items, CancellationToken cancellationToken = default);

    /// <summary>Does all of the operations or, on a store with transactions, none. A stale ETag is a failure like any other.</summary>
    /// <exception cref="ArgumentException">A value is not JSON.</exception>
    public abstract Task ExecuteStateTransactionAsync(
        string storeName,
        IReadOnlyList<StateTransactionRequest> operations,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>The parts of a secret, by name.</summary>
    public abstract Task<Dictionary<string, string>> GetSecretAsync(
        string storeName,
        string key,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default);

    /// <summary>All secrets that the app may read, by name, each with its parts.</summary>
    public abstract Task<Dictionary<string, Dictionary<string, string>>> GetBulkSecretAsync(
        string storeName, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
            return;
        Dispose(disposing: true);
        _disposed = true;
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases connections.</summary>
    protected virtual void Dispose(bool disposing)
    {
    }
}
