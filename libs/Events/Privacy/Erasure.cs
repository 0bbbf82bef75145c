using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Events;

/// <summary>An erasure that a service was asked for, checked.</summary>
/// <param name="Tenant">Whose data.</param>
/// <param name="Id">Names the erasure on every service.</param>
/// <param name="Person">Whom to erase.</param>
/// <param name="Reason">Why; for the audit.</param>
/// <param name="RequestedBy">Who asked; for the audit.</param>
/// <param name="PageToken">Where to go on; empty at the beginning.</param>
/// <param name="Heads">Newest position by log that is erased; empty when the service is the lake.</param>
public sealed record Erasure(
    string Tenant, Guid Id, Person Person, string Reason, string RequestedBy, string PageToken, IReadOnlyDictionary<int, long> Heads)
{
    /// <summary>
    /// Names the erasure where it is noted. Not <see cref="Id"/>: whoever had that could try all phone numbers until one gives a pseudonym.
    /// </summary>
    public Guid NotedId { get; } = DerivedId.Of($"person.erased|{Id:D}");

    private const int MaxJids = 50;
    private const int MaxUsernames = 200;
    private const int MaxTextLength = 500;
    private const int MaxNameLength = 100;

    /// <summary>Reads a request, or says which field breaks which rule.</summary>
    public static (Erasure? Erasure, string Field, string Rule) Read(EraseRequest request)
    {
        foreach (var (field, text, longest) in new[]
        {
            ("tenant", request.Tenant, MaxNameLength), ("reason", request.Reason, MaxTextLength), ("requested_by", request.RequestedBy, MaxNameLength),
        })
        {
            if (text.Length == 0 || text.Length > longest || text.Contains('\0'))
                return (null, field, $"must have 1 to {longest} characters, none of them NUL");
        }
        if (!Guid.TryParseExact(request.ErasureId, "D", out var id))
            return (null, "erasure_id", "must be a UUID");
        if (request.Jids.Count is 0 or > MaxJids)
            return (null, "jids", $"must be 1 to {MaxJids}");
        var jids = request.Jids.Select(Jid.Parse).ToList();
        if (jids.Any(static jid => !(jid.IsLid || jid.IsPhone) || jid.User.Length < Person.MinUserLength))
            return (null, "jids", $"must be addresses of a person (user@lid or user@s.whatsapp.net), with at least {Person.MinUserLength} characters before the @");
        if (request.Usernames.Count > MaxUsernames || !request.Usernames.All(static name => Person.IsUsername(Person.Normal(name))))
            return (null, "usernames", $"must be at most {MaxUsernames}, each of {Person.MinUsernameLength} to {Person.MaxUsernameLength} letters, digits, '.' and '_', with a letter");
        if (request.Heads.Any(static head => head.Key < 1 || head.Value < 0))
            return (null, "heads", "must be positions by log");
        return (new Erasure(request.Tenant, id, new Person(id, jids, request.Usernames), request.Reason, request.RequestedBy, request.PageToken, request.Heads), "", "");
    }
}
