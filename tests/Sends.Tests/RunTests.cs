using System.Net;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Runs beside each other, and one that is called off.</summary>
public sealed class RunTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Run_whose_instance_is_held_back_ends_and_holds_up_nobody()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        await world.ExecuteAsync("insert into instance_rates (instance_id, next_at) values ('instance-0', now() + interval '1 hour')");
        var jobs = await world.AddJobsAsync(2, instances: 2);
        await world.ExecuteAsync(
            """
            insert into runs (id, tenant, state, jobs, queued, requested_by, created_at) values
                (gen_random_uuid(), 'acme', 'running', array[$1], 1, 'ana', now() - interval '1 minute'), (gen_random_uuid(), 'other', 'running', array[$2], 1, 'bia', now())
            """, jobs[0], jobs[1]);

        await Eventually.TrueAsync(async () => await world.ScalarAsync<long>("select count(*) from runs where state = 'completed'") == 2, "both runs come to their end", Limit);

        Assert.Equal(1, await world.ScalarAsync<int>("select skipped from runs where tenant = 'acme'"));
        Assert.Equal("pending", await world.ScalarAsync<string>("select status from jobs where id = $1", jobs[0]));
        await world.UntilAsync(jobs[1], "sent");
    }

    [Fact]
    public async Task Run_that_is_cancelled_sends_nothing_more()
    {
        await using var world = await SendWorld.StartAsync();
        // Without the poller, which would send what the run leaves.
        await using var dispatch = await RunningDispatch.StartAsync(
            world.Settings(("Dispatch:Sending:RatePerSecond", "5")), static services => services.Remove(services.Single(static one => one.ImplementationType == typeof(JobPoller))));
        await world.AddJobsAsync(40);
        await world.ExecuteAsync("insert into instance_rates (instance_id, next_at) values ('instance-0', now())");

        // The run is under way and waits for its first slots.
        await using var connection = await world.Database.OpenConnectionAsync();
        await using var held = await connection.BeginTransactionAsync();
        await using (var hold = new Npgsql.NpgsqlCommand("select 1 from instance_rates for update", connection, held))
            await hold.ExecuteNonQueryAsync();
        var run = (await SendAsync(dispatch, HttpMethod.Post, "/api/dispatch/run")).GetProperty("run_id").GetString();
        const string Waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%instance_rates%'";
        await Eventually.TrueAsync(async () => await world.ScalarAsync<long>(Waiting) > 0, "the run waits for slots", Limit);
        Assert.Equal("cancelled", (await SendAsync(dispatch, HttpMethod.Delete, $"/api/dispatch/runs/{run}")).GetProperty("state").GetString());
        await held.RollbackAsync();

        await Eventually.TrueAsync(async () => await world.ScalarAsync<int>("select claimed + skipped from runs") > 0, "what was under way is counted", Limit);
        Assert.InRange(await world.ScalarAsync<long>("select count(*) from jobs where status <> 'pending'"), 0, 10);
        Assert.Equal("cancelled", await world.ScalarAsync<string>("select state from runs"));
    }

    private static async Task<JsonElement> SendAsync(RunningDispatch dispatch, HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "mesh-tenant", "acme" }, { "mesh-role", "operator" } },
        };
        using var response = await dispatch.App.SendAsync(request);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.Clone();
    }
}
