using Npgsql;

namespace WhatsAppMesh.GoComponents;

/// <summary>
/// Tells a connection string of ADO.NET (<c>Host=db;Username=mesh;...</c>) from one that a Go component reads. daprd takes the former without an
/// error as far as it can: what stands before the first space becomes one parameter, password included, and the server is the local socket.
/// </summary>
public static class AdoNetForm
{
    /// <summary>What is wrong, and what to do.</summary>
    public const string Sentence =
        "it is in ADO.NET form (Host=...;Username=...), which no component of Dapr reads: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE "
        + "('./mesh component-url' makes that of the ADO.NET form)";

    /// <summary>Whether the text is in ADO.NET form.</summary>
    public static bool Is(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (PgxConnection.IsUrl(text))
            return false;
        // Of both forms keyword=value pairs: parted by semicolons in one, by spaces in the other, and spelled differently but for a few words.
        var pairs = text.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(NameOf).OfType<string>().ToList();
        var keywords = text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(NameOf).OfType<string>().ToList();
        return pairs.Exists(IsNpgsqls)
            && (pairs.Count(IsNpgsqls) > 1 || !PgxSettings.IsLibpqs(pairs[0]))
            && (keywords.Count < 2 || !keywords.TrueForAll(PgxSettings.IsLibpqs));
    }

    private static string? NameOf(string pair) => pair.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals ? pair[..equals].Trim() : null;

    private static bool IsNpgsqls(string name)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder().ContainsKey(name);
        }
        catch (Exception e) when (e is ArgumentException or KeyNotFoundException or NotSupportedException)
        {
            return false;
        }
    }
}
