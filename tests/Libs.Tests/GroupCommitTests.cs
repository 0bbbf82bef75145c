using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.Libs.Tests;

public sealed class GroupCommitTests
{
    [Fact]
    public async Task Items_that_wait_while_one_batch_commits_become_the_next_batch()
    {
        var release = new TaskCompletionSource();
        var batches = new List<int>();
        await using var commit = Start(async items =>
        {
            batches.Add(items.Count);
            await release.Task;
            return [.. items];
        });

        var first = commit.SubmitAsync(0);
        await Until(() => batches.Count == 1);
        var rest = Enumerable.Range(1, 50).Select(item => commit.SubmitAsync(item)).ToArray();
        release.SetResult();

        Assert.Equal(0, await first);
        Assert.Equal(Enumerable.Range(1, 50), await Task.WhenAll(rest));
        Assert.Equal([1, 50], batches);
    }

    [Fact]
    public async Task A_bad_item_harms_only_itself()
    {
        await using var commit = Start(items => items.Contains(13)
            ? throw new FormatException("thirteen")
            : Task.FromResult<IReadOnlyList<int>>([.. items]));

        var tasks = Enumerable.Range(0, 40).Select(item => commit.SubmitAsync(item)).ToArray();

        for (var item = 0; item < 40; item++)
        {
            if (item == 13)
                await Assert.ThrowsAsync<FormatException>(() => tasks[13]);
            else
                Assert.Equal(item, await tasks[item]);
        }
    }

    [Fact]
    public async Task A_transient_failure_fails_the_batch_once()
    {
        var calls = 0;
        await using var commit = Start(_ =>
        {
            calls++;
            throw new TimeoutException();
        }, isTransient: true);

        await Assert.ThrowsAsync<TimeoutException>(() => commit.SubmitAsync(1));
        Assert.Equal(1, calls);
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once()
    {
        var release = new TaskCompletionSource();
        await using var commit = Start(async items =>
        {
            await release.Task;
            return [.. items];
        }, options: new GroupCommitOptions { QueueCapacity = 2 });

        var taken = commit.SubmitAsync(0);
        await Until(() => commit.Queued == 0);
        var waiting = new[] { commit.SubmitAsync(1), commit.SubmitAsync(2) };

        await Assert.ThrowsAsync<QueueFullException>(() => commit.SubmitAsync(3));
        release.SetResult();
        int[] answers = await Task.WhenAll([taken, .. waiting]);
        Assert.Equal([0, 1, 2], answers);
    }

    [Fact]
    public async Task Weights_bound_a_batch()
    {
        var release = new TaskCompletionSource();
        var batches = new List<int>();
        await using var commit = new GroupCommit<int, int>(
            async (items, _) =>
            {
                batches.Add(items.Count);
                await release.Task;
                return [.. items];
            },
            static _ => false, new GroupCommitOptions { MaxBatchWeight = 10 }, static _ => 5);

        var first = commit.SubmitAsync(0);
        await Until(() => batches.Count == 1);
        var rest = Enumerable.Range(1, 5).Select(item => commit.SubmitAsync(item)).ToArray();
        release.SetResult();
        await first;
        await Task.WhenAll(rest);

        Assert.Equal([1, 2, 2, 1], batches);
    }

    [Fact]
    public async Task Shutdown_commits_what_waits_and_refuses_the_rest()
    {
        var commit = Start(async items =>
        {
            await Task.Yield();
            return [.. items];
        });
        var tasks = Enumerable.Range(0, 20).Select(item => commit.SubmitAsync(item)).ToArray();

        await commit.DisposeAsync();

        Assert.Equal(Enumerable.Range(0, 20), await Task.WhenAll(tasks));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => commit.SubmitAsync(1));
    }

    private static GroupCommit<int, int> Start(
        Func<IReadOnlyList<int>, Task<IReadOnlyList<int>>> commit, bool isTransient = false, GroupCommitOptions? options = null) =>
        new((items, _) => commit(items), _ => isTransient, options);

    private static async Task Until(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "The condition did not come true within 10 s.");
            await Task.Delay(5);
        }
    }
}
