using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Memory for bodies.</summary>
public sealed class PooledBodyTests
{
    [Fact]
    public void Body_grows_with_what_arrives_and_gives_everything_back()
    {
        var budget = new BodyBudget(10, 1_000_000);
        var bytes = Enumerable.Range(0, 100_000).Select(static i => (byte)i).ToArray();
        using (var body = new PooledBody(budget, 100_000))
        {
            Assert.Equal(0, budget.Bytes);
            for (var start = 0; start < bytes.Length; start += 1000)
            {
                Assert.Equal(AppendVerdict.Appended, body.TryAppend(bytes.AsSpan(start, 1000)));
                Assert.InRange(budget.Bytes, body.Length, Math.Max(4096, 4 * body.Length));
            }

            Assert.Equal(bytes, body.Span.ToArray());
            Assert.Equal(AppendVerdict.OverCap, body.TryAppend([1]));
            Assert.Equal(bytes, body.Span.ToArray());
        }

        Assert.Equal(0, budget.Bytes);
    }

    [Fact]
    public void Budget_is_shared_and_what_was_refused_is_not_kept()
    {
        var budget = new BodyBudget(10, 8192);
        using var first = new PooledBody(budget, 100_000);
        var second = new PooledBody(budget, 100_000);
        Assert.Equal(AppendVerdict.Appended, first.TryAppend(new byte[4000]));
        Assert.Equal(AppendVerdict.Appended, second.TryAppend(new byte[4000]));
        Assert.Equal(AppendVerdict.OverBudget, first.TryAppend(new byte[4000]));
        Assert.Equal(8192, budget.Bytes);
        second.Dispose();
        second.Dispose();
        Assert.Equal(4096, budget.Bytes);
    }

    [Fact]
    public void One_body_alone_always_has_room_to_grow()
    {
        var budget = new BodyBudget(10, 8192);
        using var alone = new PooledBody(budget, 1_000_000);
        for (var i = 0; i < 1000; i++)
            Assert.Equal(AppendVerdict.Appended, alone.TryAppend(new byte[1000]));
        using var second = new PooledBody(budget, 100_000);
        Assert.Equal(AppendVerdict.OverBudget, second.TryAppend([1]));
    }

    [Fact]
    public void Places_are_counted()
    {
        var budget = new BodyBudget(2, 0);
        Assert.True(budget.TryEnter());
        Assert.True(budget.TryEnter());
        Assert.False(budget.TryEnter());
        Assert.Equal(2, budget.Bodies);
        budget.Leave();
        Assert.True(budget.TryEnter());
    }
}
