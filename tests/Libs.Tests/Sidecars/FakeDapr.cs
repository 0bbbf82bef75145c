using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Libs.Tests.Sidecars;

/// <summary>What a sidecar was asked over gRPC, or over HTTP.</summary>
/// <param name="Method">For gRPC the method's full name, such as <c>/dapr.proto.runtime.v1.Dapr/GetState</c>; else verb and path.</param>
/// <param name="Headers">Its headers.</param>
internal sealed record AskedCall(string Method, IReadOnlyDictionary<string, string[]> Headers);

/// <summary>
/// Speaks dapr.proto over gRPC in a sidecar's place as a test tells it to, on bytes: what is seen and said here is what is on the wire. With a
/// token it refuses calls without it as a real one does.
/// </summary>
internal sealed class FakeDapr : IAsyncDisposable
{
    public const string Service = "/dapr.proto.runtime.v1.Dapr/";

    private readonly ConcurrentDictionary<string, Func<byte[], IMessage>> _methods = new();
    private readonly ConcurrentQueue<AskedCall> _calls = new();
    private readonly string? _token;
    private readonly RequestDelegate? _http;
    private WebApplication? _app;

    private FakeDapr(string? token, RequestDelegate? http) => (_token, _http) = (token, http);

    /// <summary>Its gRPC API.</summary>
    public Uri Grpc { get; private set; } = null!;

    /// <summary>Its HTTP API.</summary>
    public Uri Http { get; private set; } = null!;

    /// <summary>Every call so far.</summary>
    public IReadOnlyList<AskedCall> Calls => [.. _calls];

    /// <summary>Starts one.</summary>
    /// <param name="token">What it asks for; null = nothing.</param>
    /// <param name="http">Answers over HTTP; null = 204.</param>
    public static async Task<FakeDapr> StartAsync(string? token = null, RequestDelegate? http = null)
    {
        var fake = new FakeDapr(token, http);
        await fake.ListenAsync(0, 0);
        return fake;
    }

    /// <summary>Answers a method of the Dapr service; <see cref="RpcException"/> becomes its status.</summary>
    /// <param name="method">Its name, such as <c>GetState</c>; one that begins with "/" is another service's.</param>
    /// <param name="answer">The answer.</param>
    public FakeDapr On<TRequest>(string method, Func<TRequest, IMessage> answer) where TRequest : IMessage<TRequest>, new()
    {
        var parser = new MessageParser<TRequest>(static () => new TRequest());
        _methods[method.StartsWith('/') ? method : Service + method] = body => answer(parser.ParseFrom(body));
        return this;
    }

    /// <summary>Goes away: its ports refuse whoever comes.</summary>
    public async Task GoAwayAsync()
    {
        await _app!.StopAsync();
        await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>Is back on the same ports.</summary>
    public Task ComeBackAsync() => ListenAsync(Grpc.Port, Http.Port);

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await GoAwayAsync();
    }

    private async Task ListenAsync(int grpc, int http)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.Zero);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, grpc, static listen => listen.Protocols = HttpProtocols.Http2);
            kestrel.Listen(IPAddress.Loopback, http, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
        var urls = _app.Urls.Select(static url => new Uri(url)).ToArray();
        (Grpc, Http) = (urls[0], urls[1]);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var isGrpc = context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
        var path = context.Request.Path.ToString();
        _calls.Enqueue(new AskedCall(
            isGrpc ? path : $"{context.Request.Method} {path}", context.Request.Headers.ToDictionary(static h => h.Key.ToLowerInvariant(), static h => h.Value.ToArray()!)!));
        if (isGrpc)
            await AnswerGrpcAsync(context, path);
        else if (_http is not null)
            await _http(context);
        else
            context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private async Task AnswerGrpcAsync(HttpContext context, string path)
    {
        context.Response.ContentType = "application/grpc";
        var status = Status.DefaultSuccess;
        try
        {
            if (_token is not null && context.Request.Headers["dapr-api-token"].ToString() != _token)
                throw new RpcException(new Status(StatusCode.Unauthenticated, "Unauthorized"));
            if (!_methods.TryGetValue(path, out var method))
                throw new RpcException(new Status(StatusCode.Unimplemented, $"unknown method {path}"));
            var answer = method(await ReadAsync(context.Request.Body)).ToByteArray();
            var frame = new byte[5 + answer.Length];
            BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), answer.Length);
            answer.CopyTo(frame, 5);
            await context.Response.Body.WriteAsync(frame);
        }
        catch (RpcException exception)
        {
            status = exception.Status;
        }

        context.Response.AppendTrailer("grpc-status", ((int)status.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
        context.Response.AppendTrailer("grpc-message", Uri.EscapeDataString(status.Detail));
    }

    // One message: five bytes of prefix, then the message; a stream's first message comes before its end.
    private static async Task<byte[]> ReadAsync(Stream body)
    {
        var prefix = new byte[5];
        await body.ReadExactlyAsync(prefix);
        var message = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        await body.ReadExactlyAsync(message);
        return message;
    }
}
