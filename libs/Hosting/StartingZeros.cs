using Microsoft.Extensions.Hosting;

namespace WhatsAppMesh.Hosting;

/// <summary>A class of metrics with counters that alerts or dashboards use.</summary>
public interface IStartsAtZero
{
    /// <summary>
    /// Counts nothing, on every counter whose labels are known. A rate needs a zero to grow from: a counter that is born at 1 has not
    /// increased, and the first event of a process would be one that nobody sees.
    /// </summary>
    void Begin();
}

/// <summary>Begins every class of metrics once something listens: what is counted before that is lost.</summary>
internal sealed class StartingZeros(IEnumerable<IStartsAtZero> metrics) : IHostedService
{
    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var one in metrics)
            one.Begin();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
