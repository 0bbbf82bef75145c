using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What becomes of jobs when time has passed.</summary>
public sealed class UpkeepTests : IAsyncLifetime
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private JobsDatabase _jobs = null!;

    public async Task InitializeAsync() => _jobs = await JobsDatabase.CreateAsync();

    public async Task DisposeAsync()
    {
        await _jobs.DisposeAsync();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData(false, "expired")]
    [InlineData(true, "pending")]
    public async Task A_job_that_was_put_off_until_its_time_was_over_is_expired_only_when_it_was_certainly_never_sent(bool mayHaveLeft, string expected)
    {
        var job = await _jobs.AddAsync();
        foreach (var fence in (long[])[1, 2])
            await _jobs.FinishAsync((await _jobs.StartAsync(job, fence))!, SendOutcome.PutOff(TimeSpan.Zero, "the circuit breaker is open") with { MayHaveLeft = mayHaveLeft });
        Assert.Equal(mayHaveLeft ? 1 : 0, await _jobs.ScalarAsync<int>("select attempts from jobs where id = $1", job));
        await _jobs.ExecuteAsync("update jobs set due_at = now() - interval '25 h'");

        await UpkeepAsync();

        Assert.Equal(expected, await _jobs.ScalarAsync<string>("select status from jobs where id = $1", job));
    }

    [Fact]
    public async Task The_brokers_answers_are_forgotten_with_the_message()
    {
        var (old, young) = (await _jobs.AddAsync(), await _jobs.AddAsync());
        await _jobs.ExecuteAsync("""
            insert into attempts (job_id, number, fence, worker, started_at, answer) select id, 1, 1, 'w', now(), 'sent to them' from jobs;
            update jobs set status = 'sent', finished_at = now()
            """);
        await _jobs.ExecuteAsync("update jobs set finished_at = now() - interval '31 d' where id = $1", old);

        await UpkeepAsync();

        Assert.Null(await _jobs.ScalarAsync<string?>("select answer from attempts where job_id = $1", old));
        Assert.Equal("sent to them", await _jobs.ScalarAsync<string>("select answer from attempts where job_id = $1", young));
    }

    private async Task UpkeepAsync()
    {
        using var metrics = new DispatchMetrics(_services.GetRequiredService<IMeterFactory>());
        using var upkeep = new JobUpkeep(null!, _jobs.Source, new DispatchOptions(), metrics, TimeProvider.System, NullLogger<JobUpkeep>.Instance);
        await upkeep.RunAsync(default);
    }
}
