using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>A line without its end.</summary>
/// <param name="Bytes">Its bytes, until the next line is asked for; none of one that is too long.</param>
/// <param name="IsTooLong">True for a line that was passed over because of its length.</param>
internal readonly record struct NdjsonLine(ReadOnlySequence<byte> Bytes, bool IsTooLong = false);

/// <summary>Cuts a body into lines as it comes.</summary>
internal static class NdjsonLines
{
    /// <summary>Every line. Of one longer than <paramref name="maxBytes"/> nothing is held.</summary>
    public static async IAsyncEnumerable<NdjsonLine> ReadAsync(
        PipeReader body, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // A long line comes in many pieces; none of them is searched twice.
        var (searched, passingOver) = (0L, false);
        while (true)
        {
            var result = await body.ReadAsync(cancellationToken);
            var rest = result.Buffer;
            while (rest.Slice(searched).PositionOf((byte)'\n') is { } end)
            {
                yield return Line(rest.Slice(0, end), maxBytes, passingOver);
                rest = rest.Slice(rest.GetPosition(1, end));
                (searched, passingOver) = (0, false);
            }

            if (result.IsCompleted)
            {
                if (rest.Length > 0 || passingOver)
                    yield return Line(rest, maxBytes, passingOver);
                body.AdvanceTo(result.Buffer.End);
                yield break;
            }

            passingOver |= rest.Length > maxBytes;
            searched = passingOver ? 0 : rest.Length;
            body.AdvanceTo(passingOver ? rest.End : rest.Start, rest.End);
        }
    }

    private static NdjsonLine Line(ReadOnlySequence<byte> line, int maxBytes, bool passedOver)
    {
        if (passedOver || line.Length > maxBytes)
            return new NdjsonLine(default, IsTooLong: true);
        var last = line.Length > 0 ? line.Slice(line.Length - 1).FirstSpan[0] : (byte)0;
        return new NdjsonLine(last == '\r' ? line.Slice(0, line.Length - 1) : line);
    }
}
