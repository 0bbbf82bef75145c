using System.Net;
using WhatsAppMesh.Edge.Operator;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>Checks edge's settings. Pure; it reports every error, with key and (where it is no secret) value.</summary>
public static class EdgeOptionsValidator
{
    /// <summary>All errors, empty when the settings can be used.</summary>
    public static IReadOnlyList<string> Validate(EdgeOptions options)
    {
        var errors = new List<string>();
        if (string.IsNullOrEmpty(options.InternalToken))
            errors.Add("Mesh:InternalToken is not set: ingest takes events only with it; give both the same long random text.");
        else if (!options.InternalToken.All(static c => c is > ' ' and < '\x7f'))
            errors.Add("Mesh:InternalToken has characters that cannot stand in a header: use visible ASCII without spaces.");
        if (!CatalogValidator.IsName(options.DefaultTenant))
            errors.Add($"Edge:DefaultTenant is '{options.DefaultTenant}': give a letter or digit, then up to 99 letters, digits, '.', '_' or '-'.");
        foreach (var proxy in options.Proxies)
        {
            if (!IPNetwork.TryParse(proxy, out _))
                errors.Add($"Edge:Proxies has '{proxy}', which is no network such as 10.0.0.0/8.");
        }

        CheckIngest(errors, options.Ingest);
        CheckOperator(errors, options.Operator);
        CheckRange(errors, "Edge:ReloadSeconds", options.ReloadSeconds, 1, 3600);
        CheckRange(errors, "Edge:SecretStoreSeconds", options.SecretStoreSeconds, 1, 86_400);
        CheckRange(errors, "Edge:ShutdownDelaySeconds", options.ShutdownDelaySeconds, 0, 600);
        CheckRange(errors, "Edge:ShutdownTimeoutSeconds", options.ShutdownTimeoutSeconds, 1, 3600);
        CheckLimits(errors, options.Limits);
        return errors;
    }

    private static void CheckIngest(List<string> errors, IngestOptions ingest)
    {
        if (!ingest.ThroughSidecar && !IsHttpAddress(ingest.Address))
        {
            errors.Add($"Edge:Ingest:Address is '{ingest.Address}': give ingest's HTTP port, such as http://127.0.0.1:8081, "
                + "or set Edge:Ingest:ThroughSidecar.");
        }

        if (ingest.ThroughSidecar && !CatalogValidator.IsName(ingest.AppId))
            errors.Add($"Edge:Ingest:AppId is '{ingest.AppId}', which is no Dapr app id.");
        CheckRange(errors, "Edge:Ingest:TimeoutSeconds", ingest.TimeoutSeconds, 1, 600);
        CheckRange(errors, "Edge:Ingest:ConnectTimeoutSeconds", ingest.ConnectTimeoutSeconds, 1, 60);
        CheckRange(errors, "Edge:Ingest:MaxConnections", ingest.MaxConnections, 1, 65_535);
    }

    private static void CheckOperator(List<string> errors, OperatorOptions apps)
    {
        (string Key, string App)[] all =
        [
            ("Lake", apps.Lake), ("Membership", apps.Membership), ("Dispatch", apps.Dispatch), .. apps.Consumers.Select(static app => ("Consumers", app)),
        ];
        foreach (var (key, app) in all)
        {
            if (!CatalogValidator.IsName(app))
                errors.Add($"Edge:Operator:{key} is '{app}', which is no Dapr app id.");
        }

        if (apps.Consumers.Distinct(StringComparer.Ordinal).Count() != apps.Consumers.Count)
            errors.Add("Edge:Operator:Consumers names a service twice.");
        CheckRange(errors, "Edge:Operator:ConcurrentRequests", apps.ConcurrentRequests, 1, 1_000_000);
        CheckRange(errors, "Edge:Operator:BufferedBytes", apps.BufferedBytes, OperatorBody.MaxBytes, long.MaxValue);
    }

    private static void CheckLimits(List<string> errors, LimitOptions limits)
    {
        CheckRange(errors, "Edge:Limits:BodyBytes", limits.BodyBytes, BodyLimit.Least, BodyLimit.Most);
        CheckRange(errors, "Edge:Limits:ConcurrentBodies", limits.ConcurrentBodies, 1, 1_000_000);
        CheckRange(errors, "Edge:Limits:BufferedBytes", limits.BufferedBytes, limits.BodyBytes, long.MaxValue);
        CheckRange(errors, "Edge:Limits:AddressRequestsPerSecond", limits.AddressRequestsPerSecond, 0, 1_000_000);
        CheckRange(errors, "Edge:Limits:AddressBurst", limits.AddressBurst, 1, 1_000_000);
        CheckRange(errors, "Edge:Limits:AddressConcurrentBodies", limits.AddressConcurrentBodies, 1, 1_000_000);
        CheckRange(errors, "Edge:Limits:SourceRequestsPerSecond", limits.SourceRequestsPerSecond, 0, 1_000_000);
        CheckRange(errors, "Edge:Limits:KeyRequestsPerSecond", limits.KeyRequestsPerSecond, 0, 1_000_000);
        CheckRange(errors, "Edge:Limits:BodyTimeoutSeconds", limits.BodyTimeoutSeconds, 1, 3600);
        CheckRange(errors, "Edge:Limits:MinBodyBytesPerSecond", limits.MinBodyBytesPerSecond, 0, 1_000_000);
        CheckRange(errors, "Edge:Limits:MinBodyRateGraceSeconds", limits.MinBodyRateGraceSeconds, 2, 600);
    }

    private static bool IsHttpAddress(string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/";

    private static void CheckRange(List<string> errors, string key, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
            errors.Add(FormattableString.Invariant($"{key} is {value}: give {least} to {most}."));
    }
}
