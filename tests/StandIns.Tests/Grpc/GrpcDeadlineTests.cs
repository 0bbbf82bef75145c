using Grpc.Core;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>Each test has a server of its own, whose one call says when it was cancelled.</summary>
public sealed class GrpcDeadlineTests : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private readonly EchoServer _server = new();

    public Task InitializeAsync() => _server.InitializeAsync();

    public Task DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Deadline_ends_the_call_on_both_sides()
    {
        // The first call pays for the connection and for compiling the path; the deadline must not pass before the server has the call.
        await _server.Client.SayAsync(new Note());
        var deadline = TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(2);
        var exception = await Assert.ThrowsAsync<RpcException>(
            async () => await _server.Client.SayAsync(new Note { Text = EchoService.Wait }, deadline: deadline));
        Assert.Equal(StatusCode.DeadlineExceeded, exception.StatusCode);
        await _server.Cancelled.WaitAsync(s_patience);
        Assert.InRange(_server.LastDeadline, deadline.AddSeconds(-1), deadline.AddSeconds(1));
    }

    [Fact]
    public async Task Cancelled_call_is_cancelled_on_the_server()
    {
        using var cancellation = new CancellationTokenSource();
        using var call = _server.Client.SayAsync(new Note { Text = EchoService.Wait }, cancellationToken: cancellation.Token);
        await UntilAsync(() => _server.LastDeadline == DateTime.MaxValue);
        await cancellation.CancelAsync();
        var exception = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal(StatusCode.Cancelled, exception.StatusCode);
        await _server.Cancelled.WaitAsync(s_patience);
    }

    [Fact]
    public async Task Disposed_call_is_cancelled_on_the_server()
    {
        var call = _server.Client.SayAsync(new Note { Text = EchoService.Wait });
        await UntilAsync(() => _server.LastDeadline == DateTime.MaxValue);
        call.Dispose();
        await _server.Cancelled.WaitAsync(s_patience);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(s_patience);
        while (!condition())
            await Task.Delay(5, patience.Token);
    }
}
