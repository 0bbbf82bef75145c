using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Dispatch.Tests.Driving;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>A dispatch that has yet to read the lake.</summary>
public sealed class RebuildTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nothing_is_sent_before_everything_has_been_read_that_was_there_when_it_began()
    {
        // There is no lake to ask, so that only the test says when the rebuild is over.
        await using var dispatch = await DispatchProcess.StartAsync(
            ("Deliveries:Pull", "true"), ("Dispatch:Sending:Mode", "DryRun"), ("Dispatch:Sending:Poll", "false"));
        var state = dispatch.Services.GetRequiredService<SendingState>();
        Assert.False(await state.CanSendAsync(default));
        Assert.Equal(("rebuilding", true), Of(await state.DescribeAsync(default)));

        await dispatch.Database.ExecuteAsync("insert into deliveries.rebuild (target, started_at, completed_at) values ('{}', now(), now())");
        using var limit = new CancellationTokenSource(Patience);
        while (!await state.CanSendAsync(limit.Token))
            await Task.Delay(50, limit.Token);
        Assert.Equal(("running", false), Of(await state.DescribeAsync(default)));

        static (string, bool) Of(SendingRuntime runtime) => (runtime.Status, runtime.Disabled);
    }
}
