using System.IO.Pipelines;
using System.Text;
using WhatsAppMesh.Edge.Operator;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>Lines come whole, however the body is cut.</summary>
public sealed class NdjsonLinesTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public async Task Lines_are_the_same_however_they_arrive(int piece)
    {
        var text = "first\r\n\nthird line\n" + new string('x', 500) + "\nlast";
        Assert.Equal(["first", "", "third line", new string('x', 500), "last"], await ReadAsync(text, piece, 500));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(50)]
    [InlineData(5000)]
    public async Task A_line_that_is_too_long_is_passed_over_alone(int piece) =>
        Assert.Equal(["ok", "TOO LONG", "and on", "TOO LONG"], await ReadAsync($"ok\n{new string('x', 1700)}\nand on\n{new string('y', 501)}", piece, 500));

    private static async Task<List<string>> ReadAsync(string text, int piece, int maxBytes)
    {
        var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 0));
        var writing = Task.Run(async () =>
        {
            foreach (var part in Encoding.UTF8.GetBytes(text).Chunk(piece))
                await pipe.Writer.WriteAsync(part);
            await pipe.Writer.CompleteAsync();
        });
        var lines = new List<string>();
        await foreach (var line in NdjsonLines.ReadAsync(pipe.Reader, maxBytes, CancellationToken.None))
            lines.Add(line.IsTooLong ? "TOO LONG" : Encoding.UTF8.GetString(line.Bytes));
        await writing;
        return lines;
    }
}
