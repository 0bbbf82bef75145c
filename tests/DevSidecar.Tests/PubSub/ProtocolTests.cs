using System.Net;
using System.Net.Http.Headers;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Protocols of the HTTP API.</summary>
public sealed class ProtocolTests
{
    [Fact]
    public async Task The_HTTP_port_speaks_HTTP_1_1_and_HTTP_2_without_TLS()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "app", resources: [PubSubResources.Component()]);
        foreach (var version in new[] { HttpVersion.Version11, HttpVersion.Version20, HttpVersion.Version11, HttpVersion.Version20 })
        {
            using var client = new HttpClient { BaseAddress = new Uri(sidecar.HttpAddress), DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
            for (var i = 0; i < 3; i++)
            {
                using var content = new StringContent("{}", MediaTypeHeaderValue.Parse("application/json"));
                using var answer = await client.PostAsync("/v1.0/publish/pubsub/a", content);
                Assert.Equal((HttpStatusCode.NoContent, version), (answer.StatusCode, answer.Version));
            }
        }
    }

    [Fact]
    public async Task A_sidecar_whose_connections_are_cut_by_the_database_goes_on()
    {
        await using var run = await PubSubRun.StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a")]);
        await run.Sidecar.PublishAsync("a", "{}", "?metadata.cloudevent.id=one");
        await run.App.TakeAsync(1);
        await run.CountAsync("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");

        // A publication that meets a cut connection may be refused; the publisher comes again, as it would with any broker.
        await Eventually.TrueAsync(
            async () => (await run.Sidecar.PostAsync("/v1.0/publish/pubsub/a?metadata.cloudevent.id=two", "{}")).StatusCode == HttpStatusCode.NoContent, "publishing works again");
        Assert.Equal("two", (await run.App.TakeAsync(1))[0].Json["id"]!.GetValue<string>());
    }
}
