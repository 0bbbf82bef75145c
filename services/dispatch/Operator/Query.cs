using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>A place in rows that are sorted by time and id, newest first.</summary>
internal sealed record PageKey(DateTimeOffset At, Guid Id)
{
    /// <summary>As the caller keeps it.</summary>
    public string Write() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{At.UtcTicks}/{Id}")));

    /// <summary>Reads a token; null when it is none.</summary>
    public static PageKey? Read(string token)
    {
        if (token.Length > 200 || !Base64Url.IsValid(token))
            return null;
        var parts = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(token)).Split('/');
        return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var ticks)
            && ticks >= DateTimeOffset.MinValue.Ticks && ticks <= DateTimeOffset.MaxValue.Ticks && Guid.TryParse(parts[1], out var id)
            ? new PageKey(new DateTimeOffset(ticks, TimeSpan.Zero), id)
            : null;
    }
}

/// <summary>Reads the parameters of a query; each error names its parameter.</summary>
internal sealed class Query(IQueryCollection values)
{
    /// <summary>Rows of a page when none are asked for.</summary>
    public const int DefaultPage = 50;

    /// <summary>Most rows of a page.</summary>
    public const int MaxPage = 500;

    /// <summary>Rows per page.</summary>
    public int PageSize => Number("page_size", 1, MaxPage) ?? DefaultPage;

    /// <summary>Where the page begins; null for the first.</summary>
    public PageKey? Page => Text("page_token") is { } token ? PageKey.Read(token) ?? throw ApiRefusal.Invalid("page_token", "is not one that was given out") : null;

    /// <summary>A text; null when absent.</summary>
    public string? Text(string name) => values[name] switch
    {
        [] => null,
        [{ Length: > 0 and <= 1000 } text] when !text.Contains('\0', StringComparison.Ordinal) => text,
        _ => throw ApiRefusal.Invalid(name, "must be one text of 1 to 1000 characters"),
    };

    /// <summary>An id; null when absent.</summary>
    public Guid? Id(string name) => Text(name) is not { } text ? null : Guid.TryParse(text, out var id) ? id : throw ApiRefusal.Invalid(name, "must be a UUID");

    /// <summary>A time; null when absent.</summary>
    public DateTimeOffset? Time(string name) => Text(name) is not { } text ? null
        : TryTime(text, out var time) ? time
        : throw ApiRefusal.Invalid(name, "must be a time such as 2026-11-21T10:00:00Z");

    /// <summary>Reads a time; one without an offset is UTC.</summary>
    public static bool TryTime(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out time);

    /// <summary>A whole number; null when absent.</summary>
    public int? Number(string name, int min, int max) => Text(name) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max ? number
        : throw ApiRefusal.Invalid(name, $"must be a number from {min} to {max}");
}
