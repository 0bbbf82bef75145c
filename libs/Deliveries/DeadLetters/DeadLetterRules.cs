using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Bounds of what a request about dead letters may say; what breaks one is INVALID_ARGUMENT and names the field.</summary>
internal static class DeadLetterRules
{
    private const int MaxIds = 10_000;
    private const int MaxTypes = 100;
    private const int MaxName = 500;
    private const int MaxReason = 500;
    private const int MaxPageSize = 500;
    private const int DefaultPageSize = 50;

    public static int PageSize(int asked) =>
        asked is < 0 or > MaxPageSize ? throw RequestFields.Invalid("page_size", $"must be at most {MaxPageSize}, or 0 for {DefaultPageSize}") : asked == 0 ? DefaultPageSize : asked;

    public static void Filter(DeadLetterFilter filter)
    {
        if (filter.Types_.Count > MaxTypes)
            throw RequestFields.Invalid("filter.types", $"must be at most {MaxTypes}");
        for (var i = 0; i < filter.Types_.Count; i++)
            Length(filter.Types_[i], $"filter.types[{i}]", MaxName);
        Length(filter.Tenant, "filter.tenant", MaxName);
        Length(filter.Category, "filter.category", MaxName);
        Length(filter.Error, "filter.error", MaxName);
    }

    public static void Replay(ReplayRequest request)
    {
        if ((request.Ids.Count > 0 ? 1 : 0) + (request.Filter is null ? 0 : 1) + (request.Ranges.Count > 0 ? 1 : 0) != 1)
            throw RequestFields.Invalid("ids, filter, ranges", "exactly one of them must choose what to replay");
        if (!request.DryRun)
            Reason(request.Reason);
        Length(request.RequestedBy, "requested_by", MaxName);
        if (request.Rate is < 0 or > ReplayRates.Max)
            throw RequestFields.Invalid("rate", $"must be at most {ReplayRates.Max} events per second");
        if (request.Filter is not { } filter)
            return;

        Filter(filter);
        if (filter.Tenant.Length > 0 && filter.Tenant != request.Tenant)
            throw RequestFields.Invalid("filter.tenant", "must be the tenant of the request, or empty");
        if (filter.State is not (State.Unspecified or State.Open))
            throw RequestFields.Invalid("filter.state", "only open dead letters can be replayed");
    }

    public static void Reason(string reason)
    {
        if (string.IsNullOrWhiteSpace(reason))
            throw RequestFields.Invalid("reason", "must say why, it is kept in the audit trail");
        Length(reason, "reason", MaxReason);
    }

    public static void RequestedBy(string who) => Length(who, "requested_by", MaxName);

    public static List<Guid> Ids(IReadOnlyList<string> ids)
    {
        if (ids.Count is 0 or > MaxIds)
            throw RequestFields.Invalid("ids", $"must name 1 to {MaxIds} dead letters");
        return [.. ids.Select(static (id, index) => Id($"ids[{index}]", id)).Distinct()];
    }

    // As the contract writes UUIDs, not in the other ways that .NET would read.
    public static Guid Id(string field, string text) =>
        Guid.TryParseExact(text, "D", out var id) ? id : throw RequestFields.Invalid(field, "must be a UUID");

    private static void Length(string text, string field, int most)
    {
        if (text.Length > most)
            throw RequestFields.Invalid(field, $"must have at most {most} characters");
    }
}
