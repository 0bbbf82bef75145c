using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Limits;

/// <summary>What became of reading a body.</summary>
public enum BodyVerdict
{
    /// <summary>All of it is there.</summary>
    Complete,

    /// <summary>It is larger than the cap, announced or not.</summary>
    TooLarge,

    /// <summary>All bodies in flight together hold too much for it.</summary>
    OverBudget,

    /// <summary>It came too slowly.</summary>
    TooSlow,

    /// <summary>It broke off, or its chunks do not add up: what was sent is not what has arrived.</summary>
    Broken,

    /// <summary>The client went away.</summary>
    Aborted,
}

/// <summary>Reads a request's body once, as it comes, into pooled memory.</summary>
public static class BodyReader
{
    // What a body of the default cap may take, each further piece of that size may take as well: a higher cap is of use on slow lines too.
    private const int PieceBytes = BodyLimit.Default;

    /// <summary>Reads until the end, the cap or the deadline.</summary>
    /// <param name="request">Whose body; nothing of it may have been read yet.</param>
    /// <param name="body">Receives the bytes; the caller disposes it whatever the verdict.</param>
    /// <param name="cap">Most bytes; a larger Content-Length is refused without reading any.</param>
    /// <param name="timeout">Longest time for each 4 MiB, begun or whole. Kestrel's lowest rate counts beside it.</param>
    /// <param name="clock">Measures the timeout.</param>
    public static async ValueTask<BodyVerdict> ReadAsync(HttpRequest request, PooledBody body, int cap, TimeSpan timeout, TimeProvider clock)
    {
        if (request.ContentLength > cap)
            return BodyVerdict.TooLarge;
        var pipe = request.BodyReader;
        CancellationTokenSource? deadline = null;
        var pieces = 1;
        try
        {
            while (true)
            {
                // Most bodies arrive with their headers: only one that does not needs a timer.
                if (!pipe.TryRead(out var result))
                {
                    deadline ??= new CancellationTokenSource(timeout, clock);
                    result = await pipe.ReadAsync(deadline.Token);
                }

                var verdict = Append(result, body);
                pipe.AdvanceTo(result.Buffer.End);
                if (verdict != AppendVerdict.Appended)
                    return verdict == AppendVerdict.OverCap ? BodyVerdict.TooLarge : BodyVerdict.OverBudget;
                if (result.IsCompleted)
                    return BodyVerdict.Complete;
                if (body.Length / PieceBytes >= pieces)
                {
                    pieces++;
                    deadline?.CancelAfter(timeout);
                }
            }
        }
        catch (OperationCanceledException)
        {
            return deadline is { IsCancellationRequested: true } ? BodyVerdict.TooSlow : BodyVerdict.Aborted;
        }
        catch (BadHttpRequestException exception)
        {
            return exception.StatusCode switch
            {
                StatusCodes.Status408RequestTimeout => BodyVerdict.TooSlow,
                StatusCodes.Status413PayloadTooLarge => BodyVerdict.TooLarge,
                _ => BodyVerdict.Broken,
            };
        }
        catch (ConnectionResetException)
        {
            return BodyVerdict.Aborted;
        }
        catch (IOException)
        {
            // Kestrel's word for a chunk whose size is no number it can hold.
            return BodyVerdict.Broken;
        }
        finally
        {
            deadline?.Dispose();
        }
    }

    private static AppendVerdict Append(ReadResult result, PooledBody body)
    {
        foreach (var segment in result.Buffer)
        {
            var verdict = body.TryAppend(segment.Span);
            if (verdict != AppendVerdict.Appended)
                return verdict;
        }

        return AppendVerdict.Appended;
    }
}
