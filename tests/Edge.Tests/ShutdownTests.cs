using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>The end of the process loses nothing that it has accepted.</summary>
public sealed class ShutdownTests
{
    [Fact]
    public async Task Readiness_turns_false_first_then_the_door_closes_and_what_was_accepted_is_finished()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new() { ["Edge:ShutdownDelaySeconds"] = ShiftedClock.Held.TotalSeconds.ToString(CultureInfo.InvariantCulture) });
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        edge.Ingest.Answer = async context =>
        {
            arrived.TrySetResult();
            await release.Task;
            await FakeIngest.AnswerAsync(context, 202, "{}");
        };
        var accepted = edge.Client.SendAsync(Signing.SignedV2());
        await arrived.Task;

        var stopping = edge.StopAsync();
        await edge.Clock.HeldAsync();
        using (var readiness = await edge.Client.GetAsync("/readyz"))
            Assert.Equal(HttpStatusCode.ServiceUnavailable, readiness.StatusCode);
        await edge.InvalidAsync(Signing.SignedV2(secret: "wrong"));

        await edge.Clock.ReleaseAsync();
        await Answers.EventuallyAsync(() => IsClosedAsync(edge), "the door is closed");
        Assert.False(stopping.IsCompleted);
        release.SetResult();
        using var answer = await accepted;
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        await stopping;
    }

    [Fact]
    public async Task Request_that_never_ends_is_given_up_after_its_time()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new() { ["Edge:ShutdownTimeoutSeconds"] = "1", ["Edge:Ingest:TimeoutSeconds"] = "600" });
        var arrived = new TaskCompletionSource();
        edge.Ingest.Answer = context =>
        {
            arrived.TrySetResult();
            return Task.Delay(Timeout.Infinite, context.RequestAborted);
        };
        var request = edge.Client.SendAsync(Signing.SignedV2());
        await arrived.Task;
        await edge.StopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => request);
    }

    private static async Task<bool> IsClosedAsync(EdgeUnderTest edge)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, edge.Address.Port);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
