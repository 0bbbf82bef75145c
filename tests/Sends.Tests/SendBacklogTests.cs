using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What is told of sends that wait, failed or expired.</summary>
public sealed class SendBacklogTests
{
    [Fact]
    public async Task Due_jobs_of_every_instance_wait_and_the_first_of_them_has_an_age()
    {
        await using var jobs = await JobsDatabase.CreateAsync();
        var (late, later, future) = (await jobs.AddAsync(), await jobs.AddAsync(), await jobs.AddAsync());
        await jobs.ExecuteAsync("update jobs set next_attempt_at = now() - interval '10 minutes' where id = $1", late);
        await jobs.ExecuteAsync("update jobs set instance_id = 'instance-1' where id = $1", later);
        await jobs.ExecuteAsync("update jobs set next_attempt_at = now() + interval '1 day' where id = $1", future);

        var counted = await new SendBacklogStore(jobs.Hot).CountAsync(default);

        Assert.Equal(2, counted.Waiting);
        Assert.InRange(counted.OldestAgeSeconds, 600, 700);
    }

    [Fact]
    public async Task Nothing_waits_where_nothing_is_due()
    {
        await using var jobs = await JobsDatabase.CreateAsync();

        var counted = await new SendBacklogStore(jobs.Hot).CountAsync(default);

        Assert.Equal((0, 0d, 0, 0, 0), (counted.Waiting, counted.OldestAgeSeconds, counted.Expired, counted.InDoubt, counted.Failed.Count));
    }

    [Fact]
    public async Task Ended_jobs_count_until_somebody_has_decided()
    {
        await using var jobs = await JobsDatabase.CreateAsync();
        foreach (var (status, category, discarded) in new[]
        {
            ("failed", "permanent", false), ("failed_retryable", "transient", false), ("failed_retryable", "transient", true), ("failed", null, false),
            ("expired", null, false), ("expired", null, false), ("in_doubt", "transient", false), ("in_doubt", "transient", true), ("replayed", "transient", false), ("sent", null, false),
        })
        {
            await jobs.ExecuteAsync(
                "update jobs set status = $2, last_category = $3, discarded_at = case when $4 then now() end, finished_at = now() where id = $1",
                await jobs.AddAsync(), status, (object?)category ?? DBNull.Value, discarded);
        }

        var counted = await new SendBacklogStore(jobs.Hot).CountAsync(default);

        Assert.Equal((0, 2, 1), (counted.Waiting, counted.Expired, counted.InDoubt));
        Assert.Equal(
            new Dictionary<string, long> { ["permanent"] = 1, ["transient"] = 1, ["unknown"] = 1 }, counted.Failed.OrderBy(static one => one.Key, StringComparer.Ordinal).ToDictionary());
    }

    [Theory]
    [InlineData("instance-0", "instance-0")]
    [InlineData("sales_2026", "sales_2026")]
    [InlineData("01234567-89ab-7def-8123-456789012345", "01234567-89ab-7def-8123-456789012345")]
    [InlineData("12025550103", "number")]
    [InlineData("wa-+1 (202) 555-0103", "number")]
    [InlineData("1.202.555.0103", "number")]
    [InlineData("12025550103:7@s.whatsapp.net", "number")]
    [InlineData("ana@lid", "number")]
    public void An_instance_that_is_named_for_a_phone_is_no_label(string instance, string label) => Assert.Equal(label, InstanceLabel.Of(instance));
}
