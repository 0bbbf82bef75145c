using System.Net;
using System.Net.Http.Headers;

namespace WhatsAppMesh.Collector;

/// <summary>How much to send, and how.</summary>
public sealed record LoadPlan
{
    /// <summary>Requests in flight at any time, each on a connection of its own.</summary>
    public int Connections { get; init; } = 64;

    /// <summary>Events to send; null sends until <see cref="Duration"/> has passed.</summary>
    public long? Count { get; init; }

    /// <summary>Time to send for; null sends until <see cref="Count"/> is reached.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>Events per second; null sends as fast as answers come.</summary>
    public double? Rate { get; init; }

    /// <summary>True: try each event again, as the collector does, until it is accepted or refused for good (400, 422).</summary>
    public bool RetryUntilAccepted { get; init; }

    /// <summary>Ends the sending between two events; the ones begun are finished.</summary>
    public CancellationToken Stop { get; init; }

    /// <summary>Told the number of each event that was answered with 2xx, from many threads; null tells nobody.</summary>
    public Action<long>? Accepted { get; init; }

    /// <summary>Number of the first event.</summary>
    public long First { get; init; }
}

/// <summary>Posts signed events with bounded concurrency over kept connections.</summary>
/// <param name="client">Client whose base address is the door.</param>
/// <param name="clock">Measures time and waits between tries.</param>
public sealed class LoadSender(HttpClient client, TimeProvider clock)
{
    private static readonly TimeSpan RetryWait = TimeSpan.FromMilliseconds(200);

    /// <summary>A client for <paramref name="address"/> that opens as many connections as there are requests in flight.</summary>
    public static HttpClient CreateClient(Uri address, int connections) => new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = connections,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    })
    { BaseAddress = address, Timeout = TimeSpan.FromSeconds(15) };

    /// <summary>Posts one request and gives the answer.</summary>
    public static async Task<HttpResponseMessage> PostAsync(HttpClient client, SignedPost post, CancellationToken cancellationToken = default)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, post.Path) { Content = new ByteArrayContent(post.Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var (name, value) in post.Headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await client.SendAsync(request, cancellationToken);
    }

    /// <summary>Posts one request as a collector does: again while there is no answer, or one that says "later".</summary>
    /// <returns>The last answer.</returns>
    /// <exception cref="HttpRequestException">There was no answer for as long as <paramref name="patience"/>.</exception>
    public static async Task<HttpResponseMessage> PostUntilAnsweredAsync(HttpClient client, SignedPost post, TimeSpan patience, TimeProvider clock, CancellationToken cancellationToken = default)
    {
        var start = clock.GetTimestamp();
        while (true)
        {
            try
            {
                var answer = await PostAsync(client, post, cancellationToken);
                if (answer.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests) || clock.GetElapsedTime(start) > patience)
                    return answer;
                answer.Dispose();
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
            {
                // Nobody answered: the next may.
                if (clock.GetElapsedTime(start) > patience)
                    throw e as HttpRequestException ?? new HttpRequestException("There was no answer in time.", e);
            }

            await Task.Delay(RetryWait, clock, cancellationToken);
        }
    }

    /// <summary>Runs a plan. <paramref name="make"/> is called once per event, from many threads.</summary>
    public async Task<LoadReport> RunAsync(Func<long, SignedPost> make, LoadPlan plan, CancellationToken cancellationToken = default)
    {
        var run = new Run(plan, clock.GetTimestamp());
        var workers = await Task.WhenAll(Enumerable.Range(0, plan.Connections).Select(_ => WorkAsync(make, run, cancellationToken)));
        return LoadReport.Combine(workers, clock.GetElapsedTime(run.Started));
    }

    private async Task<LoadTally> WorkAsync(Func<long, SignedPost> make, Run run, CancellationToken cancellationToken)
    {
        // Leave the caller's thread, so that all workers start.
        await Task.Yield();
        var tally = new LoadTally();
        while (run.Next(clock) is { } n)
        {
            await PaceAsync(run, n, cancellationToken);
            var post = make(n);
            var started = clock.GetTimestamp();
            HttpStatusCode status;
            while (!tally.Add(status = await StatusOfAsync(post, cancellationToken), clock.GetElapsedTime(started), run.Plan.RetryUntilAccepted))
                await Task.Delay(RetryWait, clock, cancellationToken);
            if ((int)status is >= 200 and < 300)
                run.Plan.Accepted?.Invoke(n);
        }
        return tally;
    }

    private async Task PaceAsync(Run run, long n, CancellationToken cancellationToken)
    {
        if (run.Plan.Rate is not { } rate)
            return;
        var wait = TimeSpan.FromSeconds((n - run.Plan.First) / rate) - clock.GetElapsedTime(run.Started);
        if (wait > TimeSpan.FromMilliseconds(1))
            await Task.Delay(wait, clock, cancellationToken);
    }

    // 0 stands for no answer at all: refused, reset or timed out.
    private async Task<HttpStatusCode> StatusOfAsync(SignedPost post, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await PostAsync(client, post, cancellationToken);
            await answer.Content.CopyToAsync(Stream.Null, cancellationToken);
            return answer.StatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return 0;
        }
    }

    private sealed class Run(LoadPlan plan, long started)
    {
        private long _given;

        public LoadPlan Plan => plan;

        public long Started => started;

        public long? Next(TimeProvider clock)
        {
            if (plan.Stop.IsCancellationRequested || (plan.Duration is { } duration && clock.GetElapsedTime(started) >= duration))
                return null;
            var n = Interlocked.Increment(ref _given) - 1;
            return n < (plan.Count ?? long.MaxValue) ? plan.First + n : null;
        }
    }
}
