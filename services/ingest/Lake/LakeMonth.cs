using System.Globalization;

namespace WhatsAppMesh.Ingest;

/// <summary>A month of <c>received_at</c> in UTC: what one partition of the lake holds.</summary>
/// <param name="Index">Months since year 0.</param>
internal readonly record struct LakeMonth(int Index)
{
    private const string Prefix = "whatsapp_events_";

    /// <summary>Name of the partition.</summary>
    public string Table => $"{Prefix}{Index / 12:D4}_{(Index % 12) + 1:D2}";

    /// <summary>First moment.</summary>
    public DateTimeOffset Start => new(Index / 12, (Index % 12) + 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>First moment, as a partition's bound.</summary>
    public string Bound => Start.ToString("yyyy-MM-dd'T'00:00:00'Z'", CultureInfo.InvariantCulture);

    /// <summary>The month after.</summary>
    public LakeMonth Next => new(Index + 1);

    /// <summary>The month of a time.</summary>
    public static LakeMonth Of(DateTimeOffset time) => new((time.UtcDateTime.Year * 12) + time.UtcDateTime.Month - 1);

    /// <summary>The month of a partition; null for a table that is none.</summary>
    public static LakeMonth? OfTable(string table) =>
        table.StartsWith(Prefix, StringComparison.Ordinal)
        && DateTime.TryParseExact(table[Prefix.Length..], "yyyy'_'MM", CultureInfo.InvariantCulture, DateTimeStyles.None, out var month)
            ? new LakeMonth((month.Year * 12) + month.Month - 1)
            : null;
}
