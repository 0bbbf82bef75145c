using System.Text;

namespace WhatsAppMesh.Dispatch.Messages;

/// <summary>A piece of a text: as it is, or a placeholder with what stands there when nothing is known.</summary>
internal readonly record struct TextPart(string Text, bool IsPlaceholder, string? Default = null);

/// <summary>
/// Texts such as <c>Hello {{lead.name|there}}</c>: a path between double braces, then, after a bar, what stands there when the path has no
/// value (nothing, unless given). <c>\{{</c> is a pair of braces that means itself. A value is put in as it is and is never read again.
/// </summary>
internal static class Placeholders
{
    private const string Open = "{{";
    private const string Close = "}}";
    private const int MaxPath = 200;

    /// <summary>Takes a text apart; null when it cannot be read, with the reason.</summary>
    public static IReadOnlyList<TextPart>? Parse(string template, out string? error)
    {
        var parts = new List<TextPart>();
        var text = new StringBuilder();
        for (var at = 0; at < template.Length;)
        {
            if (string.CompareOrdinal(template, at, @"\{{", 0, 3) == 0)
            {
                text.Append(Open);
                at += 3;
            }
            else if (string.CompareOrdinal(template, at, Open, 0, 2) != 0)
            {
                text.Append(template[at++]);
            }
            else
            {
                var end = template.IndexOf(Close, at + 2, StringComparison.Ordinal);
                error = end < 0 ? "has '{{' without '}}'; write \\{{ for braces that mean themselves" : null;
                if (end < 0 || Read(template[(at + 2)..end], out error) is not { } placeholder)
                    return null;
                Flush(parts, text);
                parts.Add(placeholder);
                at = end + 2;
            }
        }

        Flush(parts, text);
        error = null;
        return parts;
    }

    /// <summary>The text with values in place of placeholders; a text that cannot be read stays as it is.</summary>
    /// <param name="value">Value of a path; null or empty when there is none.</param>
    public static string Render(string template, Func<string, string?> value)
    {
        if (Parse(template, out _) is not { } parts)
            return template;
        var text = new StringBuilder();
        foreach (var part in parts)
            text.Append(!part.IsPlaceholder ? part.Text : value(part.Text) is { Length: > 0 } known ? known : part.Default);
        return text.ToString();
    }

    private static TextPart? Read(string inside, out string? error)
    {
        var bar = inside.IndexOf('|', StringComparison.Ordinal);
        var path = (bar < 0 ? inside : inside[..bar]).Trim();
        error = path.Length == 0 ? "has an empty placeholder"
            : path.Length > MaxPath ? $"has a placeholder of more than {MaxPath} characters"
            : path.Contains(Open, StringComparison.Ordinal) ? "has '{{' inside a placeholder"
            : path.Split('.').Any(static step => step.Length == 0 || step.Any(char.IsWhiteSpace)) ? $"has a placeholder that is no path: '{path}'"
            : null;
        return error is null ? new TextPart(path, true, bar < 0 ? null : inside[(bar + 1)..].Trim()) : null;
    }

    private static void Flush(List<TextPart> parts, StringBuilder text)
    {
        if (text.Length > 0)
            parts.Add(new TextPart(text.ToString(), false));
        text.Clear();
    }
}
