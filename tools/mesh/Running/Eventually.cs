using System.Diagnostics;
using Grpc.Core;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Waits for what becomes true a little later, because it travels over a topic.</summary>
public static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Asks again and again until the answer is good or time is up, and gives the last answer either way.</summary>
    /// <param name="ask">Asks; "not found" and "unavailable" count as no answer yet, and so does a sidecar that has not found the other one.</param>
    /// <param name="isGood">Whether the answer will do.</param>
    /// <param name="patience">Time to wait.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The last answer; default when there was none.</returns>
    public static async Task<T?> AskAsync<T>(Func<Task<T>> ask, Func<T, bool> isGood, TimeSpan patience, CancellationToken cancellationToken = default)
    {
        var clock = Stopwatch.StartNew();
        T? last = default;
        while (true)
        {
            try
            {
                last = await ask();
                if (isGood(last))
                    return last;
            }
            catch (RpcException e) when (IsLater(e) && clock.Elapsed < patience)
            {
                // Not there yet.
            }
            if (clock.Elapsed > patience)
                return last;
            await Task.Delay(Pause, cancellationToken);
        }
    }

    private static bool IsLater(RpcException error) =>
        error.StatusCode is StatusCode.NotFound or StatusCode.Unavailable || (error.StatusCode == StatusCode.Unknown && error.Status.Detail.Contains("no host", StringComparison.OrdinalIgnoreCase));
}
