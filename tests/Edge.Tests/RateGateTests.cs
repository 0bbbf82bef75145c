using System.Net;
using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>The token buckets, against a clock that the test moves.</summary>
public sealed class RateGateTests
{
    private readonly StepClock _clock = new();

    [Fact]
    public void Bucket_lets_its_burst_through_then_its_rate_and_says_how_long_to_wait()
    {
        var gate = new SourceRateGate(new Rate(10, 3));
        for (var i = 0; i < 3; i++)
            Assert.Equal(TimeSpan.Zero, gate.Take(_clock));
        Assert.Equal(TimeSpan.FromMilliseconds(100), gate.Take(_clock));
        _clock.Now += TimeSpan.FromMilliseconds(99);
        Assert.Equal(TimeSpan.FromMilliseconds(1), gate.Take(_clock));
        _clock.Now += TimeSpan.FromMilliseconds(1);
        Assert.Equal(TimeSpan.Zero, gate.Take(_clock));
        Assert.True(gate.Take(_clock) > TimeSpan.Zero);
        _clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(3, Enumerable.Range(0, 10).Count(_ => gate.Take(_clock) == TimeSpan.Zero));
    }

    [Fact]
    public void Unlimited_bucket_never_refuses()
    {
        var gate = new SourceRateGate(default);
        Assert.All(Enumerable.Range(0, 1000), _ => Assert.Equal(TimeSpan.Zero, gate.Take(_clock)));
    }

    [Fact]
    public async Task Concurrent_takers_get_exactly_the_burst()
    {
        var gate = new SourceRateGate(new Rate(0.001, 500));
        var through = 0;
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                if (gate.Take(_clock) == TimeSpan.Zero)
                    Interlocked.Increment(ref through);
            }
        })));
        Assert.Equal(500, through);
    }

    [Fact]
    public void Addresses_have_their_own_buckets_and_one_ipv6_network_has_one()
    {
        var gates = new AddressGates(new Rate(0.001, 1), 1, _clock);
        Assert.Equal(TimeSpan.Zero, Take("2001:db8:1:2::1"));
        Assert.True(Take("2001:db8:1:2:ffff::9") > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, Take("10.0.0.1"));
        Assert.True(Take("::ffff:10.0.0.1") > TimeSpan.Zero);

        // Of a thousand addresses nearly all have a bucket of their own.
        var through = Enumerable.Range(0, 1000).Count(i => Take($"192.168.{i / 250}.{i % 250}") == TimeSpan.Zero);
        Assert.InRange(through, 950, 1000);

        TimeSpan Take(string address) => gates.Take(AddressGates.BucketOf(IPAddress.Parse(address)));
    }

    private sealed class StepClock : TimeProvider
    {
        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
