using System.Net;
using Dapr;
using Dapr.Client;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class DaprSidecarTests
{
    [Fact]
    public async Task Token_is_sent_with_every_request()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.NoContent);
        using var client = new DaprClientBuilder().UseHttpEndpoint(sidecar.Endpoint).UseDaprApiToken("t0ken").Build();
        await client.SaveStateAsync("s", "k", 1);
        using var invoke = client.CreateInvokableHttpClient("other");
        using var answer = await invoke.GetAsync("/x");
        Assert.All(sidecar.Requests, request => Assert.Equal("t0ken", request.Header("dapr-api-token")));
        Assert.Equal(2, sidecar.Requests.Count);
    }

    [Fact]
    public async Task Failure_names_status_and_code_and_keeps_the_details_inside()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(
            HttpStatusCode.InternalServerError, """{"errorCode":"ERR_STATE_SAVE","message":"no luck with key secret-key"}""");
        var exception = await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.SaveStateAsync("s", "secret-key", 1));
        Assert.Contains("500 (ERR_STATE_SAVE)", exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-key", exception.Message, StringComparison.Ordinal);
        Assert.Equal("no luck with key secret-key", exception.InnerException!.Message);
    }

    [Fact]
    public async Task Refused_token_is_a_failure_although_the_answer_is_plain_text()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.Unauthorized, "invalid api token");
        var exception = await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.GetStateAsync<int>("s", "k"));
        Assert.Contains("401", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sidecar_that_is_not_there_is_a_failure()
    {
        using var client = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").Build();
        await Assert.ThrowsAsync<DaprException>(() => client.GetStateAsync<int>("s", "k"));
        Assert.False(await client.CheckHealthAsync());
        Assert.False(await client.CheckOutboundHealthAsync());
    }

    [Fact]
    public async Task Cancelled_call_ends_as_cancelled()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.NoContent);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => sidecar.Client.GetStateAsync<int>("s", "k", cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Health_is_asked_for_at_the_two_addresses()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(
            request => (request.Target == "/v1.0/healthz/outbound" ? HttpStatusCode.NoContent : HttpStatusCode.InternalServerError, ""));
        Assert.True(await sidecar.Client.CheckOutboundHealthAsync());
        Assert.False(await sidecar.Client.CheckHealthAsync());
        Assert.Equal(["/v1.0/healthz/outbound", "/v1.0/healthz"], sidecar.Requests.Select(request => request.Target));
    }

    [Fact]
    public async Task Waiting_for_the_sidecar_ends_when_it_is_up()
    {
        var asked = 0;
        await using var sidecar = await ScriptedSidecar.StartAsync(
            _ => (Interlocked.Increment(ref asked) < 3 ? HttpStatusCode.InternalServerError : HttpStatusCode.NoContent, ""));
        await sidecar.Client.WaitForSidecarAsync();
        Assert.Equal(3, asked);
    }

    [Fact]
    public async Task Metadata_are_read_and_set()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(request => request.Method == "PUT"
            ? (HttpStatusCode.NoContent, "")
            : (HttpStatusCode.OK,
                """
                {"id":"edge","runtimeVersion":"1.18.0","actors":[{"type":"a","count":2}],"extended":{"daprRuntimeVersion":"1.18.0"},
                 "components":[{"name":"claims","type":"state.postgresql","version":"v2","capabilities":["ETAG"]}]}
                """));
        var metadata = await sidecar.Client.GetMetadataAsync();
        Assert.Equal("edge", metadata.Id);
        Assert.Equal(("a", 2), metadata.Actors.Select(actor => (actor.Type, actor.Count)).Single());
        Assert.Equal("1.18.0", metadata.Extended["daprRuntimeVersion"]);
        var component = metadata.Components.Single();
        Assert.Equal(("claims", "state.postgresql", "v2"), (component.Name, component.Type, component.Version));
        Assert.Equal(["ETAG"], component.Capabilities);

        await sidecar.Client.SetMetadataAsync("ready", "yes");
        var set = sidecar.Requests.Last();
        Assert.Equal(("PUT", "/v1.0/metadata/ready", "yes"), (set.Method, set.Target, set.Body));
    }

    [Fact]
    public async Task Secrets_are_read_one_or_all()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(request => request.Target switch
        {
            "/v1.0/secrets/vault/one?metadata.version=2" => (HttpStatusCode.OK, """{"one":"1"}"""),
            "/v1.0/secrets/vault/bulk" => (HttpStatusCode.OK, """{"one":{"one":"1"},"two":{"a":"2"}}"""),
            _ => (HttpStatusCode.Forbidden, """{"errorCode":"ERR_PERMISSION_DENIED","message":"no"}"""),
        });
        var one = await sidecar.Client.GetSecretAsync("vault", "one", new Dictionary<string, string> { ["version"] = "2" });
        Assert.Equal("1", one["one"]);
        Assert.Equal("2", (await sidecar.Client.GetBulkSecretAsync("vault"))["two"]["a"]);
        await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.GetSecretAsync("vault", "other"));
    }

    [Fact]
    public async Task Shutdown_is_asked_for()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.NoContent);
        await sidecar.Client.ShutdownSidecarAsync();
        Assert.Equal("POST /v1.0/shutdown", sidecar.Requests.Select(request => $"{request.Method} {request.Target}").Single());
    }
}
