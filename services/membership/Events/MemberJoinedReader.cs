namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// member.joined: what this service has announced, back from the log. It marks the evidence as used, so that a membership built anew
/// does not announce the same stay again.
/// </summary>
public sealed class MemberJoinedReader : IEventReader
{
    /// <summary>Type of the event.</summary>
    public const string Type = "member.joined";

    /// <inheritdoc/>
    public IReadOnlyList<string> Types => [Type];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            var group = source.Group(item, "group_jid");
            if (!Wire.TryObject(item, "evidence", out var evidence)
                || Wire.Number(evidence, "log") is not { } log
                || Wire.Number(evidence, "position") is not { } position
                || Wire.Jid(evidence, "jid") is not { IsEmpty: false } jid
                || !Guid.TryParse(source.Source.EventId, out var id))
                throw ObservedEvent.Poison("the announcement does not say which log, position and jid it rests on");
            into.AddGroup(source, group);
            into.Joins.Add(new JoinSeen(group, (int)log, position, jid.Value, id, source.At));
        }
    }
}
