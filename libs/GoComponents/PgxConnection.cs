using System.Text;

namespace WhatsAppMesh.GoComponents;

/// <summary>
/// A connection string as daprd's PostgreSQL components read it: taken apart by daprd, then by pgx (5.7, as in Dapr 1.16 to 1.18), in
/// <c>keyword=value</c> form or as a URL. It accepts what they accept and refuses what they refuse.
/// </summary>
public sealed class PgxConnection
{
    private const string Spaces = " \t\n\r\v\f";

    private PgxConnection(IReadOnlyDictionary<string, string> settings)
    {
        Settings = settings;
        RuntimeParameters = settings.Where(setting => !PgxSettings.IsOwn(setting.Key)).ToDictionary(setting => setting.Key, setting => setting.Value);
    }

    /// <summary>What the text says, by keyword (<c>dbname</c> is called <c>database</c>). It holds the password.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; }

    /// <summary>
    /// Every keyword that pgx does not know itself. It hands them to the server as run-time parameters (<c>application_name</c>,
    /// <c>search_path</c>), and the server refuses the session when one of them is none.
    /// </summary>
    public IReadOnlyDictionary<string, string> RuntimeParameters { get; }

    /// <summary>Reads a connection string.</summary>
    /// <param name="text">The component's <c>connectionString</c>.</param>
    /// <param name="overrides">
    /// Settings of the component that win over the text's, by keyword: host, hostaddr, port, database, user, password, sslrootcert.
    /// </param>
    /// <exception cref="FormatException">daprd would not start with it. The message names what is wrong and never a value.</exception>
    public static PgxConnection Parse(string text, IReadOnlyDictionary<string, string>? overrides = null)
    {
        ArgumentNullException.ThrowIfNull(text);
        overrides ??= new Dictionary<string, string>();
        if (AdoNetForm.Is(text))
            throw new FormatException(AdoNetForm.Sentence);
        var settings = IsUrl(text) ? PgxUrl.Parse(text, overrides) : ParseKeywords(Merge(text, overrides));
        PgxSettings.Check(settings);
        return new PgxConnection(settings);
    }

    /// <summary>Whether the text is read as a URL.</summary>
    internal static bool IsUrl(string text) =>
        text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal);

    /// <summary>The text as daprd rebuilds it: cut at every space, without pieces that have no equals sign, with the component's settings.</summary>
    internal static string Merge(string text, IReadOnlyDictionary<string, string> overrides)
    {
        var left = new Dictionary<string, string>(overrides);
        var pieces = new List<string>();
        foreach (var piece in text.Split(' '))
        {
            var equals = piece.IndexOf('=', StringComparison.Ordinal);
            if (equals < 0)
                continue;
            pieces.Add(left.Remove(piece[..equals], out var value) ? $"{piece[..equals]}={value}" : piece);
        }

        pieces.AddRange(left.Select(setting => $"{setting.Key}={setting.Value}"));
        return pieces.Count > 0
            ? string.Join(' ', pieces).Trim()
            : throw new FormatException("failed to build connection string: there is no keyword=value in it");
    }

    internal static Dictionary<string, string> ParseKeywords(string text)
    {
        var settings = new Dictionary<string, string>();
        while (text.Length > 0)
        {
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var key = equals < 0 ? "" : text[..equals].Trim([.. Spaces]);
            if (key.Length == 0)
                throw new FormatException("failed to parse as keyword/value: invalid keyword/value");
            text = text[(equals + 1)..].TrimStart([.. Spaces]);
            var quoted = text.StartsWith('\'');
            text = quoted ? text[1..] : text;
            var end = EndOf(text, quoted);
            settings[key == "dbname" ? "database" : key] = Unescape(text[..end]);
            text = end >= text.Length ? "" : text[(end + 1)..];
        }

        return settings;
    }

    private static int EndOf(string text, bool quoted)
    {
        for (var end = 0; end < text.Length; end++)
        {
            if (quoted ? text[end] == '\'' : Spaces.Contains(text[end]))
                return end;
            if (text[end] == '\\' && ++end == text.Length && !quoted)
                throw new FormatException("failed to parse as keyword/value: invalid backslash");
        }

        return !quoted ? text.Length : throw new FormatException(
            "failed to parse as keyword/value: unterminated quoted string in connection info string "
            + "(daprd takes the text apart at every space, quoted or not: write it as a URL, with %20 for a space)");
    }

    private static string Unescape(string value) => new StringBuilder(value).Replace(@"\\", @"\").Replace(@"\'", "'").ToString();
}
