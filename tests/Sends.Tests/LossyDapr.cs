using System.Net;
using Dapr.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Libs.Tests.Sidecars;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Stands between a client and its sidecar's gRPC API and loses answers: the call arrives, its caller hears nothing of it.</summary>
internal sealed class LossyDapr : IDisposable
{
    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _connections = new(new SocketsHttpHandler { UseProxy = false });
    private volatile string _lose = "";
    private int _lost;

    public LossyDapr(SidecarProcess sidecar)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        _app = builder.Build();
        var forwarder = _app.Services.GetRequiredService<IHttpForwarder>();
        var http2 = new ForwarderRequestConfig { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        _app.Run(async context => await forwarder.SendAsync(context, sidecar.Grpc.ToString(), _connections, http2, new Losing(this)));
        _app.StartAsync().GetAwaiter().GetResult();
        Client = SidecarServices.ClientOf(sidecar.Http.BaseAddress!, new Uri(_app.Urls.First()), SendWorld.SidecarToken);
    }

    public DaprClient Client { get; }

    public int Lost => _lost;

    /// <summary>From now on the answers to this method of the Dapr service are lost, e.g. <c>SaveState</c>.</summary>
    public void LoseAnswersOf(string method) => _lose = FakeDapr.Service + method;

    public void Dispose()
    {
        Client.Dispose();
        _app.StopAsync().GetAwaiter().GetResult();
        ((IDisposable)_app).Dispose();
        _connections.Dispose();
    }

    private sealed class Losing(LossyDapr lossy) : HttpTransformer
    {
        public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
        {
            if (httpContext.Request.Path != lossy._lose)
                return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
            Interlocked.Increment(ref lossy._lost);
            httpContext.Abort();
            return false;
        }
    }
}
