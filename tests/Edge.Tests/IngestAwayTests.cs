using System.Net;
using Microsoft.AspNetCore.Http;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Nothing is ever called accepted that ingest has not accepted.</summary>
public sealed class IngestAwayTests
{
    [Fact]
    public async Task Ingest_that_is_down_is_told_as_unavailable_and_is_found_again()
    {
        var ingest = await FakeIngest.StartAsync();
        var port = ingest.Address.Port;
        await using var edge = await EdgeUnderTest.StartAsync(ingest: ingest);
        await edge.AcceptedAsync(Signing.SignedV2());
        await ingest.DisposeAsync();
        for (var i = 0; i < 3; i++)
            await UnavailableAsync(edge);
        await using var again = await FakeIngest.StartAsync(port);
        await Answers.EventuallyAsync(
            async () => (await edge.Client.SendAsync(Signing.SignedV2())).StatusCode == HttpStatusCode.Accepted, "events go through again");
        Assert.Single(edge.Logs.Lines, static line => line.Contains("[1020]", StringComparison.Ordinal));
        Assert.Single(edge.Logs.Lines, static line => line.Contains("[1021]", StringComparison.Ordinal));
        Assert.True(edge.Metrics.HasReason("ingest_unavailable"));
    }

    [Fact]
    public async Task Ingest_that_never_answers_is_told_as_unavailable()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new() { ["Edge:Ingest:TimeoutSeconds"] = "1" });
        edge.Ingest.Answer = static context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        await UnavailableAsync(edge);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(502)]
    [InlineData(504)]
    [InlineData(302)]
    public async Task Answer_that_is_not_for_the_client_is_told_as_unavailable(int status)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentType = "text/html";
            return context.Response.WriteAsync("<html>somebody in between</html>");
        };
        await UnavailableAsync(edge);
    }

    [Fact]
    public async Task Connection_that_ends_before_the_answer_is_told_as_unavailable()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await UnavailableAsync(edge);
    }

    [Fact]
    public async Task Answer_that_breaks_off_is_never_a_whole_success()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = static async context =>
        {
            context.Response.StatusCode = 202;
            context.Response.ContentLength = 1000;
            await context.Response.WriteAsync("{\"status\":");
            await context.Response.Body.FlushAsync();
            context.Abort();
        };
        var whole = false;
        try
        {
            using var answer = await edge.Client.SendAsync(Signing.SignedV2());
            whole = answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
        }

        Assert.False(whole);
    }

    [Theory]
    [InlineData(200)]
    [InlineData(201)]
    [InlineData(204)]
    [InlineData(400)]
    [InlineData(409)]
    [InlineData(422)]
    [InlineData(429)]
    [InlineData(500)]
    [InlineData(503)]
    public async Task Every_other_answer_is_ingests_own_and_goes_through(int status)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = context =>
        {
            context.Response.StatusCode = status;
            return status == 204 ? Task.CompletedTask : context.Response.WriteAsync("own words");
        };
        using var answer = await edge.Client.SendAsync(Signing.SignedV2());
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(status == 204 ? "" : "own words", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Way_through_the_sidecar_names_ingest_and_carries_the_sidecars_token()
    {
        await using var sidecar = await FakeIngest.StartAsync();
        await using var edge = await EdgeUnderTest.StartAsync(
            new()
            {
                ["Edge:Ingest:ThroughSidecar"] = "true",
                ["DAPR_HTTP_ENDPOINT"] = sidecar.Address.ToString(),
                ["DAPR_API_TOKEN"] = "sidecar-token",
            });
        await edge.AcceptedAsync(Signing.SignedV2().With("dapr-app-id", "forged"));
        // Edge also asks its sidecar for its version, and dispatch for its health.
        var arrived = Assert.Single(sidecar.Requests, static request => request.Method == "POST");
        Assert.Equal("/v2/events", arrived.Target);
        Assert.Equal("ingest", arrived["dapr-app-id"]);
        Assert.Equal("sidecar-token", arrived["dapr-api-token"]);
        Assert.Equal(Signing.Body, arrived.Text);
        Assert.Empty(edge.Ingest.Requests);
        sidecar.Answer = static context => FakeIngest.AnswerAsync(context, 500, """{"errorCode":"ERR_DIRECT_INVOKE","message":"fail to invoke"}""");
        await UnavailableAsync(edge);
    }

    private static async Task UnavailableAsync(EdgeUnderTest edge)
    {
        using var answer = await edge.RefusedAsync(Signing.SignedV2(), 503, "unavailable");
        Assert.NotNull(answer.Headers.RetryAfter?.Delta);
    }
}
