namespace Grpc.Core.Interceptors;

/// <summary>A client's call on its way through the interceptors.</summary>
public struct ClientInterceptorContext<TRequest, TResponse>
    where TRequest : class
    where TResponse : class
{
    /// <summary>Describes a call.</summary>
    public ClientInterceptorContext(Method<TRequest, TResponse> method, string? host, CallOptions options)
    {
        Method = method;
        Host = host;
        Options = options;
    }

    /// <summary>The method.</summary>
    public Method<TRequest, TResponse> Method { get; }

    /// <summary>Host asked for; null means that of the channel.</summary>
    public string? Host { get; }

    /// <summary>Headers, deadline and the rest.</summary>
    public CallOptions Options { get; }
}
