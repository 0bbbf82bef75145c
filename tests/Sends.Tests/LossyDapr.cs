using System.Net;
using Dapr.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Stands between a client and its sidecar and loses answers: the request arrives, its caller hears nothing of it.</summary>
internal sealed class LossyDapr : IDisposable
{
    private readonly WebApplication _app;
    private volatile string _lose = "";
    private int _lost;

    public LossyDapr(Uri sidecar)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        _app = builder.Build();
        var forward = new HttpClient { BaseAddress = sidecar };
        _app.Run(async context =>
        {
            using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), context.Request.Path + context.Request.QueryString);
            if (context.Request.ContentLength > 0)
            {
                request.Content = new StreamContent(context.Request.Body);
                request.Content.Headers.TryAddWithoutValidation("Content-Type", context.Request.ContentType);
            }

            using var response = await forward.SendAsync(request);
            if ($"{context.Request.Method} {context.Request.Path}" == _lose)
            {
                Interlocked.Increment(ref _lost);
                context.Abort();
                return;
            }

            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            await response.Content.CopyToAsync(context.Response.Body);
        });
        _app.StartAsync().GetAwaiter().GetResult();
        Client = new DaprClientBuilder().UseHttpEndpoint(_app.Urls.First()).Build();
    }

    public DaprClient Client { get; }

    public int Lost => _lost;

    /// <summary>From now on the answers to these requests are lost, e.g. <c>POST /v1.0/state/claims</c>.</summary>
    public void LoseAnswersOf(string request) => _lose = request;

    public void Dispose()
    {
        Client.Dispose();
        _app.StopAsync().GetAwaiter().GetResult();
        ((IDisposable)_app).Dispose();
    }
}
