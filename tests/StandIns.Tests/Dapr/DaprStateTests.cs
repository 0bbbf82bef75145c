using System.Net;
using Dapr;
using Dapr.Client;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class DaprStateTests
{
    [Fact]
    public async Task Client_makes_and_understands_every_recorded_exchange_that_it_can_make()
    {
        await using var sidecar = await RecordedSidecar.StartAsync(SharedFiles.Find("vectors/state.postgresql.json"));
        using var client = new DaprClientBuilder().UseHttpEndpoint(sidecar.Endpoint).Build();
        await StateScenario.RunAsync(client, RecordedSidecar.Store);
        // A typed client has no way to ask for these.
        Assert.Equal(
            ["transaction unknown op", "empty key", "not json", "object instead of array", "bad concurrency"], sidecar.NotMade);
    }

    [Fact]
    public async Task Null_etag_is_a_mistake_of_the_caller()
    {
        using var client = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").Build();
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.TrySaveStateAsync("s", "k", 1, null!));
        await Assert.ThrowsAsync<ArgumentNullException>(() => client.TryDeleteStateAsync("s", "k", null!));
    }

    [Fact]
    public async Task Empty_key_or_store_is_a_mistake_of_the_caller()
    {
        using var client = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").Build();
        await Assert.ThrowsAsync<ArgumentException>(() => client.SaveStateAsync("s", "", 1));
        await Assert.ThrowsAsync<ArgumentException>(() => client.GetStateAsync<int>("", "k"));
    }

    [Fact]
    public async Task Value_of_a_transaction_that_is_not_json_is_a_mistake_of_the_caller()
    {
        using var client = new DaprClientBuilder().UseHttpEndpoint("http://127.0.0.1:1").Build();
        var request = new StateTransactionRequest("k", "{"u8.ToArray(), StateOperationType.Upsert);
        await Assert.ThrowsAsync<ArgumentException>(() => client.ExecuteStateTransactionAsync("s", [request]));
    }

    [Fact]
    public async Task Deletions_of_a_transaction_have_no_value()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.NoContent);
        await sidecar.Client.ExecuteStateTransactionAsync(
            "s",
            [new StateTransactionRequest("k", null, StateOperationType.Delete, "e1")],
            new Dictionary<string, string> { ["partitionKey"] = "p" });
        Assert.Equal(
            """{"operations":[{"operation":"delete","request":{"key":"k","etag":"e1"}}],"metadata":{"partitionKey":"p"}}""",
            sidecar.Requests.Single().Body);
    }

    [Fact]
    public async Task Keys_modes_and_metadata_are_escaped_into_the_url()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.NoContent);
        var metadata = new Dictionary<string, string> { ["partition key"] = "a&b" };
        Assert.Null(await sidecar.Client.GetStateAsync<string>("s", "a/b c", ConsistencyMode.Strong, metadata));
        await sidecar.Client.DeleteStateAsync(
            "s", "k", new StateOptions { Concurrency = ConcurrencyMode.LastWrite, Consistency = ConsistencyMode.Eventual });
        Assert.Equal(
            [
                "GET /v1.0/state/s/a%2Fb%20c?consistency=strong&metadata.partition%20key=a%26b",
                "DELETE /v1.0/state/s/k?concurrency=last-write&consistency=eventual",
            ],
            sidecar.Requests.Select(request => $"{request.Method} {request.Target}"));
    }

    [Fact]
    public async Task Bulk_delete_tries_every_key_although_one_fails()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(
            request => request.Target.EndsWith("/bad", StringComparison.Ordinal) ? (HttpStatusCode.Conflict, "{}") : (HttpStatusCode.NoContent, ""));
        await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.DeleteBulkStateAsync(
            "s", [new BulkDeleteStateItem("bad", "e1"), new BulkDeleteStateItem("good", "")]));
        Assert.Equal(
            ["/v1.0/state/s/bad e1", "/v1.0/state/s/good "],
            sidecar.Requests.Select(request => $"{request.Target} {request.Header("If-Match")}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Bulk_read_as_text_keeps_values_as_stored()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(
            HttpStatusCode.OK, """[{"key":"a","data":{"n":1.0},"etag":"1"},{"key":"b"}]""");
        var items = await sidecar.Client.GetBulkStateAsync("s", ["a", "b"], parallelism: null);
        Assert.Equal([("a", """{"n":1.0}""", "1"), ("b", "", "")], items.Select(item => (item.Key, item.Value, item.ETag)));
        Assert.Equal("""{"keys":["a","b"]}""", sidecar.Requests.Single().Body);
    }

    [Fact]
    public async Task Key_that_could_not_be_read_does_not_look_missing()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.OK, """[{"key":"a","error":"connection lost"}]""");
        await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.GetBulkStateAsync<int>("s", ["a"], null));
    }

    [Fact]
    public async Task Value_of_another_type_is_a_failure()
    {
        await using var sidecar = await ScriptedSidecar.StartAsync(HttpStatusCode.OK, "\"text\"");
        await Assert.ThrowsAsync<DaprException>(() => sidecar.Client.GetStateAsync<int>("s", "k"));
    }
}
