using WhatsAppMesh.Libs.Tests.Scraping;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The figures that alerts stand on outlive whatever goes wrong while they are taken.</summary>
public sealed class BacklogWatchTests : IAsyncLifetime
{
    private TestDatabase? _database;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Fact]
    public async Task A_failure_of_any_kind_ends_one_look_and_never_the_watch()
    {
        await using var ingest = await IngestUnderTest.StartAsync(_database!.ConnectionString);
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":"messages.upsert","payload":{}}""")).Status);
        using var metrics = new IngestMetrics();
        using var seen = new SeenDependencies();
        using var watch = new BacklogWatch(ingest.Services.GetRequiredService<LakeDatabase>(), metrics, seen.States, new BrokenClock(failures: 3));

        await watch.StartAsync(default);

        await Eventually.TrueAsync(() => metrics.Backlog.Events == 1, "a look after the failures tells the backlog");
        Assert.False(watch.ExecuteTask!.IsCompleted);
        await Eventually.TrueAsync(() => seen.Logs.OfDependencies.Count == 2, "the failure and its end were said once each");
        Assert.Equal(3, seen.Counted.Count);
        Assert.Empty(seen.States.Degraded);
        await watch.StopAsync(default);
        Assert.True(watch.ExecuteTask.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Imported_history_is_as_old_as_its_import()
    {
        await using var ingest = await IngestUnderTest.StartAsync(_database!.ConnectionString);
        var begun = DateTimeOffset.UtcNow;
        await ingest.ImportAsync([Transfer.Line(begun.AddYears(-3)), Transfer.Line(begun.AddYears(-2))]);
        var lake = ingest.Services.GetRequiredService<LakeDatabase>();

        var backlog = await BacklogWatch.LookAsync(lake.Queries, begun.AddHours(1), default);

        Assert.Equal(2, backlog.Events);
        Assert.InRange(backlog.OldestAgeSeconds, 3600 - (DateTimeOffset.UtcNow - begun).TotalSeconds, 3600.001);
    }

    /// <summary>Fails a few times in a way that nobody foresaw, and lets no wait last.</summary>
    private sealed class BrokenClock(int failures) : TimeProvider
    {
        private int _left = failures;

        public override DateTimeOffset GetUtcNow() =>
            Interlocked.Decrement(ref _left) >= 0 ? throw new InvalidOperationException("no time") : base.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var soon = TimeSpan.FromMilliseconds(20);
            return base.CreateTimer(callback, state, dueTime == Timeout.InfiniteTimeSpan ? dueTime : soon, period == Timeout.InfiniteTimeSpan ? period : soon);
        }
    }
}
