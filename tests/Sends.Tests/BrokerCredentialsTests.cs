using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Whether there is a key for the broker, when the one who is asked may not know yet.</summary>
public sealed class BrokerCredentialsTests
{
    [Fact]
    public async Task A_look_that_failed_is_repeated_soon_and_changes_nothing_that_was_known()
    {
        var (clock, works, looks) = (new ManualClock(), false, 0);
        await using var sidecar = await FakeSidecar.StartAsync(async context =>
        {
            looks++;
            context.Response.StatusCode = works ? 200 : 500;
            await context.Response.WriteAsync(works ? """{"WHATSAPP_BROKER_API_KEY":"k"}""" : """{"errorCode":"ERR_SECRET_GET","message":"not yet"}""");
        });
        var credentials = new BrokerCredentials(sidecar.Client, new SendingOptions(), clock);

        Assert.False(await credentials.ExistAsync(default));
        Assert.False(await credentials.ExistAsync(default));
        Assert.Equal(1, looks);

        works = true;
        clock.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await credentials.ExistAsync(default));

        works = false;
        clock.Advance(new SendingOptions().CredentialsAge);
        Assert.True(await credentials.ExistAsync(default));
        Assert.Equal(3, looks);
    }
}
