using Spectre.Console;

namespace WhatsAppMesh.Mesh.Screens;

/// <summary>
/// Where commands speak. At a terminal there is a spinner, colour and a table; anywhere else the same words are plain lines. When data is
/// wanted as JSON, it alone goes to standard output and everything else to standard error.
/// </summary>
public sealed class Screen
{
    private readonly IAnsiConsole _console;
    private readonly bool _isTerminal;

    /// <summary>The screen of a command.</summary>
    /// <param name="json">True: standard output is for data.</param>
    public Screen(bool json = false)
    {
        var output = json ? Console.Error : Console.Out;
        _isTerminal = json ? !Console.IsErrorRedirected : !Console.IsOutputRedirected;
        _console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = _isTerminal ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = _isTerminal ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        if (!_isTerminal)
            _console.Profile.Width = 200;
    }

    /// <summary>One line.</summary>
    public void Line(string text = "")
    {
        if (_isTerminal)
            _console.WriteLine(text);
        else
            _console.Profile.Out.Writer.WriteLine(text);
    }

    /// <summary>A heading.</summary>
    public void Heading(string text)
    {
        Line();
        if (_isTerminal)
            _console.MarkupLine($"[bold]{Markup.Escape(text)}[/]");
        else
            Line(text);
    }

    /// <summary>A line that says whether something came out right.</summary>
    public void Verdict(bool good, string text)
    {
        var mark = good ? "ok  " : "FAIL";
        if (_isTerminal)
            _console.MarkupLine($"  [{(good ? "green" : "red")}]{mark}[/] {Markup.Escape(text)}");
        else
            Line($"  {mark} {text}");
    }

    /// <summary>What went wrong, to standard error.</summary>
    public static void Error(string text) => Console.Error.WriteLine(text);

    /// <summary>Does something that takes time, showing what it says while it is at it.</summary>
    public async Task<T> WorkAsync<T>(string title, Func<Action<string>, Task<T>> work)
    {
        if (!_isTerminal)
        {
            Line($"{title} ...");
            return await work(text => Line($"  {text}"));
        }
        return await _console.Status().StartAsync(
            Markup.Escape(title), context => work(text => context.Status = Markup.Escape($"{title}: {text}")));
    }

    /// <summary>A table; columns of plain text when there is no terminal.</summary>
    public void Table(IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (_isTerminal)
        {
            var table = new Table { Border = TableBorder.Rounded };
            foreach (var header in headers)
                table.AddColumn(new TableColumn(Markup.Escape(header)).NoWrap());
            foreach (var row in rows)
                table.AddRow([.. row.Select(Markup.Escape)]);
            _console.Write(table);
            return;
        }
        var widths = headers.Select((header, i) => rows.Select(r => r[i].Length).Append(header.Length).Max()).ToArray();
        foreach (var row in rows.Prepend(headers))
            Line(("  " + string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i])))).TrimEnd());
    }
}
