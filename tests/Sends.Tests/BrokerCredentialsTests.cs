using Dapr.Client.Autogen.Grpc.v1;
using Grpc.Core;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Libs.Tests.Scraping;
using WhatsAppMesh.Libs.Tests.Sidecars;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Whether there is a key for the broker, when the one who is asked may not know yet.</summary>
public sealed class BrokerCredentialsTests
{
    // The Dapr client makes a cancellation of the second, though nobody cancelled.
    [Theory]
    [InlineData(StatusCode.Internal)]
    [InlineData(StatusCode.DeadlineExceeded)]
    public async Task A_look_that_failed_is_repeated_soon_and_changes_nothing_that_was_known(StatusCode failure)
    {
        var (clock, works, looks) = (new ManualClock(), false, 0);
        await using var sidecar = (await FakeDapr.StartAsync()).On<GetSecretRequest>("GetSecret", _ =>
        {
            looks++;
            return works ? new GetSecretResponse { Data = { ["WHATSAPP_BROKER_API_KEY"] = "k" } } : throw new RpcException(new Status(failure, "not yet"));
        });
        using var dapr = SidecarServices.ClientOf(sidecar.Http, sidecar.Grpc);
        using var seen = new SeenDependencies();
        var credentials = new BrokerCredentials(dapr, new SendingOptions(), seen.States, clock);

        Assert.False(await credentials.ExistAsync(default));
        Assert.False(await credentials.ExistAsync(default));
        Assert.Equal(1, looks);
        Assert.Contains("broker key", seen.States.Degraded.Keys);

        works = true;
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await credentials.ExistAsync(default));
        Assert.Empty(seen.States.Degraded);

        works = false;
        clock.Advance(new SendingOptions().CredentialsAge);
        Assert.True(await credentials.ExistAsync(default));
        Assert.Equal(3, looks);
        Assert.Equal(3, seen.Logs.OfDependencies.Count);
    }
}
