using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace WhatsAppMesh.Mesh.Transfer;

/// <summary>Some lines of a file.</summary>
/// <param name="FirstLine">Number of the first one; the file's first is 1.</param>
/// <param name="Lines">How many.</param>
/// <param name="Bytes">The lines, each with its end.</param>
public readonly record struct LinePortion(long FirstLine, int Lines, byte[] Bytes);

/// <summary>Cuts a stream of lines into portions, whatever its length: only one of them is in memory.</summary>
public static class LinePortions
{
    /// <summary>Reads the stream to its end. A line is never cut; one that alone is longer than a portion is a portion.</summary>
    /// <param name="stream">Lines that end with \n; the last one may lack it.</param>
    /// <param name="maxBytes">Bytes of a portion, unless a single line is longer.</param>
    /// <param name="maxLines">Lines of a portion.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    public static async IAsyncEnumerable<LinePortion> ReadAsync(
        Stream stream, int maxBytes, int maxLines, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 64 * 1024));
        var (bytes, first, lines) = (new ArrayBufferWriter<byte>(), 1L, 0);
        while (true)
        {
            var read = await reader.ReadAsync(cancellationToken);
            var rest = read.Buffer;
            while (NextLine(ref rest, read.IsCompleted) is { } line)
            {
                if (lines > 0 && (bytes.WrittenCount + line.Length + 1 > maxBytes || lines == maxLines))
                {
                    yield return new LinePortion(first, lines, bytes.WrittenSpan.ToArray());
                    (first, lines) = (first + lines, 0);
                    bytes.ResetWrittenCount();
                }
                foreach (var part in line)
                    bytes.Write(part.Span);
                bytes.Write("\n"u8);
                lines++;
            }
            reader.AdvanceTo(rest.Start, rest.End);
            if (read.IsCompleted)
                break;
        }
        await reader.CompleteAsync();
        if (lines > 0)
            yield return new LinePortion(first, lines, bytes.WrittenSpan.ToArray());
    }

    private static ReadOnlySequence<byte>? NextLine(ref ReadOnlySequence<byte> rest, bool isLast)
    {
        if (rest.PositionOf((byte)'\n') is { } end)
        {
            var line = rest.Slice(0, end);
            rest = rest.Slice(rest.GetPosition(1, end));
            return line;
        }
        if (!isLast || rest.IsEmpty)
            return null;
        var last = rest;
        rest = rest.Slice(rest.End);
        return last;
    }
}
