using System.Text.Json;

namespace Dapr.Client;

/// <summary>Makes clients. What is not chosen comes from the environment: <c>DAPR_HTTP_ENDPOINT</c> or <c>DAPR_HTTP_PORT</c>, <c>DAPR_API_TOKEN</c>.</summary>
public sealed class DaprClientBuilder
{
    private string _httpEndpoint = SidecarEnvironment.HttpEndpoint();
    private string? _apiToken = SidecarEnvironment.ApiToken();
    private JsonSerializerOptions _json = new(JsonSerializerDefaults.Web);

    /// <summary>Chooses the sidecar's HTTP endpoint, e.g. <c>http://127.0.0.1:3500</c>.</summary>
    /// <exception cref="ArgumentException">The endpoint is null or empty.</exception>
    public DaprClientBuilder UseHttpEndpoint(string httpEndpoint)
    {
        ArgumentException.ThrowIfNullOrEmpty(httpEndpoint);
        _httpEndpoint = httpEndpoint;
        return this;
    }

    /// <summary>Chooses how values become JSON; the default is <see cref="JsonSerializerDefaults.Web"/>.</summary>
    public DaprClientBuilder UseJsonSerializationOptions(JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _json = options;
        return this;
    }

    /// <summary>Chooses the token that the sidecar asks for.</summary>
    public DaprClientBuilder UseDaprApiToken(string apiToken)
    {
        _apiToken = string.IsNullOrEmpty(apiToken) ? null : apiToken;
        return this;
    }

    /// <summary>A client with what was chosen.</summary>
    /// <exception cref="InvalidOperationException">The endpoint is not an <c>http</c> or <c>https</c> address.</exception>
    public DaprClient Build()
    {
        if (!Uri.TryCreate(_httpEndpoint, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            throw new InvalidOperationException(
                $"The sidecar's HTTP endpoint \"{_httpEndpoint}\" is not an http or https address; check DAPR_HTTP_ENDPOINT and DAPR_HTTP_PORT.");
        return new SidecarClient(new SidecarHttp(endpoint, _apiToken), _json);
    }
}
