using System.Buffers;
using System.Text.RegularExpressions;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>
/// What names a delivery of a trigger's sender, so that its retry is the same event (ADR 0031). Edge reads the header, ingest the body.
/// </summary>
/// <param name="Header">Header that carries the id; null when none does. Only Stripe's id lies under the signature: see the ADR.</param>
/// <param name="Field">Path of the id in the body; null when there is none.</param>
/// <param name="EntityField">Path of what a post is about; null for <c>messageId</c>, else <c>data.messageId</c>.</param>
/// <param name="StatusField">
/// Path of what tells posts about one entity apart; null for <c>status</c>, else <c>event</c>; <see cref="NoStatus"/> when nothing does.
/// </param>
public sealed partial record DeliveryNames(string? Header, string? Field, string? EntityField, string? StatusField)
{
    /// <summary>Most characters of an id in a header.</summary>
    public const int MaxIdLength = 512;

    /// <summary>The status field of a trigger whose posts about one entity are all the same event.</summary>
    public const string NoStatus = "-";

    private static readonly SearchValues<char> Visible = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(static c => (char)c)]);

    /// <summary>Nothing names a delivery.</summary>
    public static DeliveryNames None { get; } = new(null, null, null, null);

    /// <summary>What is configured, else what the scheme's sender is known to send.</summary>
    public static DeliveryNames Of(SourceSettings entry)
    {
        var (header, field) = CatalogValidator.ParseScheme(entry.Scheme) switch
        {
            TriggerScheme.GitHub => ("X-GitHub-Delivery", (string?)null),
            TriggerScheme.Linear => ("Linear-Delivery", null),
            TriggerScheme.Stripe => (null, "id"),
            _ => ((string?)null, (string?)null),
        };
        return new DeliveryNames(entry.DeliveryHeader ?? header, entry.DeliveryField ?? field, entry.EntityField, entry.StatusField);
    }

    /// <summary>Every error in an entry's settings, as "member: reason".</summary>
    public static IEnumerable<string> Validate(SourceSettings entry, SourceKind kind)
    {
        const string header = "give the name of a header.", path = "give names of members joined by full stops, such as event.id.";
        (string Member, string? Value, Regex Pattern, string Rule)[] all =
        [
            ("deliveryHeader", entry.DeliveryHeader, HeaderPattern(), header),
            ("deliveryField", entry.DeliveryField, PathPattern(), path),
            ("entityField", entry.EntityField, PathPattern(), path),
            ("statusField", entry.StatusField == NoStatus ? null : entry.StatusField, PathPattern(), path),
        ];
        foreach (var (member, value, pattern, rule) in all)
        {
            if (value is null)
                continue;
            if (kind != SourceKind.Trigger)
                yield return $"{member}: only triggers have it.";
            else if (!pattern.IsMatch(value))
                yield return $"{member}: {rule}";
        }
    }

    /// <summary>False when the header that names a delivery came twice, or with what is no name.</summary>
    public bool IsFitIn(IHeaderDictionary headers)
    {
        if (Header is null || !headers.TryGetValue(Header, out var values))
            return true;
        return values is [{ Length: <= MaxIdLength } id] && !id.AsSpan().ContainsAnyExcept(Visible);
    }

    [GeneratedRegex(@"\A[A-Za-z0-9-]{1,100}\z", RegexOptions.CultureInvariant)]
    private static partial Regex HeaderPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9_$@-]{1,100}(\.[A-Za-z0-9_$@-]{1,100}){0,7}\z", RegexOptions.CultureInvariant)]
    private static partial Regex PathPattern();
}
