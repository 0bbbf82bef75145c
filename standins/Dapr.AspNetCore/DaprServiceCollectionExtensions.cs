using Dapr.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the Dapr client.</summary>
public static class DaprServiceCollectionExtensions
{
    /// <summary>
    /// Registers <see cref="DaprClient"/>, unless it is registered already. Its endpoint and token come from the host's configuration
    /// (<c>DAPR_HTTP_ENDPOINT</c> or <c>DAPR_HTTP_PORT</c>, <c>DAPR_API_TOKEN</c>), then from the environment; the callback has the last word.
    /// </summary>
    public static void AddDaprClient(
        this IServiceCollection services, Action<DaprClientBuilder>? configure = null, ServiceLifetime lifetime = ServiceLifetime.Singleton) =>
        Add(services, (_, builder) => configure?.Invoke(builder), lifetime);

    /// <inheritdoc cref="AddDaprClient(IServiceCollection, Action{DaprClientBuilder}?, ServiceLifetime)"/>
    public static void AddDaprClient(
        this IServiceCollection services,
        Action<IServiceProvider, DaprClientBuilder> configure,
        ServiceLifetime lifetime = ServiceLifetime.Singleton)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Add(services, configure, lifetime);
    }

    private static void Add(IServiceCollection services, Action<IServiceProvider, DaprClientBuilder> configure, ServiceLifetime lifetime)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.TryAdd(new ServiceDescriptor(typeof(DaprClient), provider => Build(provider, configure), lifetime));
    }

    private static DaprClient Build(IServiceProvider provider, Action<IServiceProvider, DaprClientBuilder> configure)
    {
        var builder = new DaprClientBuilder();
        var configuration = provider.GetService<IConfiguration>();
        if (Endpoint(configuration) is { } endpoint)
            builder.UseHttpEndpoint(endpoint);
        if (configuration?["DAPR_API_TOKEN"] is { Length: > 0 } token)
            builder.UseDaprApiToken(token);
        configure(provider, builder);
        return builder.Build();
    }

    private static string? Endpoint(IConfiguration? configuration)
    {
        if (configuration?["DAPR_HTTP_ENDPOINT"] is { Length: > 0 } endpoint)
            return endpoint;
        return configuration?["DAPR_HTTP_PORT"] is { Length: > 0 } port ? $"http://localhost:{port}" : null;
    }
}
