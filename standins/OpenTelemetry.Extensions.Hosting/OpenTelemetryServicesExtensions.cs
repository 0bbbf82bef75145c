using Microsoft.Extensions.Hosting;
using OpenTelemetry;
using OpenTelemetry.Extensions.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds OpenTelemetry to a host.</summary>
public static class OpenTelemetryServicesExtensions
{
    /// <summary>
    /// Starts OpenTelemetry with the host, before other hosted services, so that their start is recorded too. May be called more than once.
    /// </summary>
    public static OpenTelemetryBuilder AddOpenTelemetry(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        var start = ServiceDescriptor.Singleton<IHostedService, TelemetryStart>();
        if (!services.Any(service => service.ServiceType == start.ServiceType && service.ImplementationType == start.ImplementationType))
            services.Insert(0, start);
        return new OpenTelemetryBuilder(services);
    }
}
