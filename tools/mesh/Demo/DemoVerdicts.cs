using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Demo;

/// <summary>Prints what came out and remembers whether all of it was right.</summary>
internal sealed class DemoVerdicts(Screen screen)
{
    private const int Width = 110;

    /// <summary>Things checked.</summary>
    public int Count { get; private set; }

    /// <summary>Things that came out wrong.</summary>
    public int Failed { get; private set; }

    public void Heading(string text) => screen.Heading(text);

    public void Line(string text) => screen.Line($"       {text}");

    public bool Check(bool good, string text)
    {
        Count++;
        if (!good)
            Failed++;
        screen.Verdict(good, text);
        return good;
    }

    /// <summary>The beginning of a text, on one line.</summary>
    public static string Short(string text)
    {
        var line = text.ReplaceLineEndings(" ").Trim();
        return line.Length <= Width ? line : line[..Width] + " ...";
    }
}
