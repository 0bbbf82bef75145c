using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Cuts a body into lines as it comes.</summary>
internal static class NdjsonLines
{
    /// <summary>Every line, without its end; each is valid until the next is asked for.</summary>
    /// <exception cref="OperatorRefusal">413: a line is longer than <paramref name="maxBytes"/>.</exception>
    public static async IAsyncEnumerable<ReadOnlySequence<byte>> ReadAsync(
        PipeReader body, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A long line comes in many pieces; none of them is searched twice.
        var searched = 0L;
        while (true)
        {
            var result = await body.ReadAsync(cancellationToken);
            var rest = result.Buffer;
            while (rest.Slice(searched).PositionOf((byte)'\n') is { } end)
            {
                yield return Trimmed(rest.Slice(0, end));
                rest = rest.Slice(rest.GetPosition(1, end));
                searched = 0;
            }

            if (result.IsCompleted)
            {
                if (rest.Length > 0)
                    yield return Trimmed(rest);
                body.AdvanceTo(result.Buffer.End);
                yield break;
            }

            if (rest.Length > maxBytes)
                throw new OperatorRefusal(StatusCodes.Status413PayloadTooLarge, "body_too_large", "A line is too long", closesConnection: true);
            searched = rest.Length;
            body.AdvanceTo(rest.Start, rest.End);
        }
    }

    private static ReadOnlySequence<byte> Trimmed(ReadOnlySequence<byte> line)
    {
        var last = line.Length > 0 ? line.Slice(line.Length - 1).FirstSpan[0] : (byte)0;
        return last == '\r' ? line.Slice(0, line.Length - 1) : line;
    }
}
