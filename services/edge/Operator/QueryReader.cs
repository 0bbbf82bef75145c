using System.Globalization;
using Google.Protobuf.WellKnownTypes;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>Reads the parameters of a query; each error names its parameter.</summary>
internal sealed class QueryReader(IQueryCollection query)
{
    /// <summary>The parameter that every route takes: which tenant, for a key that is for all.</summary>
    public const string Tenant = "tenant";

    private const int MaxTexts = 100;

    /// <summary>A text; empty when absent.</summary>
    public string Text(string name)
    {
        var values = query[name];
        if (values.Count > 1)
            throw OperatorRefusal.Invalid(name, "must be given once");
        return OrderFields.Text(name, values.Count == 0 ? "" : values[0]);
    }

    /// <summary>A text that must be there.</summary>
    public string Required(string name) => Text(name) is { Length: > 0 } text ? text : throw OperatorRefusal.Invalid(name, "is required");

    /// <summary>A parameter that may come several times; none when absent.</summary>
    public IReadOnlyList<string> Texts(string name)
    {
        var values = query[name];
        if (values.Count > MaxTexts)
            throw OperatorRefusal.Invalid(name, $"must be given at most {MaxTexts} times");
        return [.. values.Select(value => OrderFields.Text(name, value)).Where(static value => value.Length > 0)];
    }

    /// <summary>A moment in RFC 3339; null when absent.</summary>
    public Timestamp? Time(string name) => Text(name) is { Length: > 0 } text ? Rfc3339.Parse(name, text) : null;

    /// <summary><c>true</c> or <c>false</c>; false when absent.</summary>
    public bool Flag(string name) => Text(name) switch
    {
        "" or "false" => false,
        "true" => true,
        _ => throw OperatorRefusal.Invalid(name, "must be true or false"),
    };

    /// <summary>A whole number; null when absent.</summary>
    public int? Number(string name, int least, int most)
    {
        var text = Text(name);
        if (text.Length == 0)
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw OperatorRefusal.Invalid(name, string.Create(CultureInfo.InvariantCulture, $"must be a number from {least} to {most}"));
    }

    /// <summary>Entries per page; 0, the services' default, when absent.</summary>
    public int PageSize => Number("page_size", 1, 500) ?? 0;

    /// <summary>Where the page begins; empty for the first.</summary>
    public string PageToken => Text("page_token");

    /// <summary>Refuses every parameter but these.</summary>
    public void RefuseOthers(IReadOnlyList<string> taken)
    {
        foreach (var name in query.Keys)
        {
            if (!taken.Contains(name))
                throw OperatorRefusal.Invalid("query", $"has a parameter that is not known here; these are: {string.Join(", ", taken)}");
        }
    }
}

/// <summary>Members of a request's JSON, and parameters, as services can take them.</summary>
internal static class OrderFields
{
    private const int MaxLength = 1000;

    /// <summary>A text; empty when absent.</summary>
    public static string Text(string field, string? text) => text is null || (text.Length <= MaxLength && !text.Contains('\0'))
        ? text ?? ""
        : throw OperatorRefusal.Invalid(field, $"must have at most {MaxLength} characters and no NUL");

    /// <summary>A list without holes; empty when absent.</summary>
    public static IEnumerable<T> List<T>(string field, IReadOnlyList<T?>? list) where T : class =>
        (list ?? []).Select(item => item ?? throw OperatorRefusal.Invalid(field, "must hold no null"));

    /// <summary>A list of texts; empty when absent.</summary>
    public static IEnumerable<string> Texts(string field, IReadOnlyList<string?>? list) => List(field, list).Select(text => Text(field, text));

    /// <summary>A moment; null when absent.</summary>
    public static Timestamp? Time(string field, string? text) => string.IsNullOrEmpty(text) ? null : Rfc3339.Parse(field, text);
}

/// <summary>Moments in the API's only notation.</summary>
internal static class Rfc3339
{
    private static readonly string[] Formats = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mm:ssK"];

    /// <summary>Reads a moment; it must say its offset.</summary>
    /// <exception cref="OperatorRefusal">400: it is none.</exception>
    public static Timestamp Parse(string name, string text) =>
        (text.EndsWith('Z') || text.LastIndexOfAny(['+', '-']) > text.IndexOf('T', StringComparison.Ordinal))
        && DateTimeOffset.TryParseExact(text, Formats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? Timestamp.FromDateTimeOffset(time)
            : throw OperatorRefusal.Invalid(name, "must be a time in RFC 3339, such as 2026-11-21T10:00:00Z (in a URL, '+' is written %2B)");

    /// <summary>A moment as UTC; null when unset.</summary>
    public static DateTime? Of(Timestamp? time) => time?.ToDateTime();
}
