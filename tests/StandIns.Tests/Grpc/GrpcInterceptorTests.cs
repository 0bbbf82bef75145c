using Grpc.Core;
using Grpc.Core.Interceptors;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class GrpcInterceptorTests(EchoServer server) : IClassFixture<EchoServer>
{
    [Fact]
    public async Task Server_interceptor_stands_around_every_shape_of_method()
    {
        using var unary = server.Client.SayAsync(new Note());
        await unary.ResponseAsync;
        using var download = server.Client.Repeat(new Note { Count = 1 });
        await foreach (var _ in download.ResponseStream.ReadAllAsync())
        {
        }
        using var upload = server.Client.Join();
        await upload.RequestStream.CompleteAsync();
        await upload.ResponseAsync;
        using var chat = server.Client.Chat();
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext());

        Metadata[] all = [unary.GetTrailers(), download.GetTrailers(), upload.GetTrailers(), chat.GetTrailers()];
        Assert.Equal(
            ["Say", "Repeat", "Join", "Chat"], all.Select(trailers => trailers.GetValue("intercepted")!.Split('/')[2]));
    }

    [Fact]
    public async Task Client_interceptor_changes_every_shape_of_call()
    {
        var client = new Echo.EchoClient(server.Channel.Intercept(Caller("someone")));
        using var unary = client.SayAsync(new Note());
        await unary.ResponseAsync;
        using var download = client.Repeat(new Note());
        Assert.False(await download.ResponseStream.MoveNext());
        using var upload = client.Join();
        await upload.RequestStream.CompleteAsync();
        await upload.ResponseAsync;
        using var chat = client.Chat();
        await chat.RequestStream.CompleteAsync();
        Assert.False(await chat.ResponseStream.MoveNext());

        Metadata[] all = [unary.GetTrailers(), download.GetTrailers(), upload.GetTrailers(), chat.GetTrailers()];
        Assert.All(all, trailers => Assert.Equal("someone", trailers.GetValue("caller")));
        Assert.Equal("x", client.Say(new Note { Text = "x" }).Text);
    }

    [Fact]
    public async Task First_interceptor_named_is_the_outermost()
    {
        var order = new List<string>();
        var invoker = server.Channel.CreateCallInvoker().Intercept(new Recorder("first", order), new Recorder("second", order));
        await new Echo.EchoClient(invoker).SayAsync(new Note());
        Assert.Equal(["first", "second"], order);
    }

    [Fact]
    public async Task Interceptor_around_another_comes_first()
    {
        var order = new List<string>();
        var invoker = server.Channel.Intercept(new Recorder("inner", order)).Intercept(new Recorder("outer", order));
        await new Echo.EchoClient(invoker).SayAsync(new Note());
        Assert.Equal(["outer", "inner"], order);
    }

    [Fact]
    public async Task Unimplemented_method_says_so()
    {
        var method = new Method<string, string>(
            MethodType.Unary, "whatsappmesh.standins.tests.v1.Echo", "Absent", Marshallers.StringMarshaller, Marshallers.StringMarshaller);
        var call = server.Channel.CreateCallInvoker().AsyncUnaryCall(method, null, new CallOptions(), "x");
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Unimplemented, exception.StatusCode);
    }

    private static Func<Metadata, Metadata> Caller(string name) => headers =>
    {
        headers.Add("caller", name);
        return headers;
    };

    private sealed class Recorder(string name, List<string> order) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation)
        {
            order.Add(name);
            return continuation(request, context);
        }
    }
}
