namespace WhatsAppMesh.Membership.Events;

/// <summary>Why something that an event says left no trace: the closed set of the metric's label.</summary>
public enum SilentReason
{
    /// <summary>A stub that this service does not read, or one that nobody knows.</summary>
    UnreadStub,

    /// <summary>A stub, protocol message or field whose value is none that it can have.</summary>
    UnreadValue,

    /// <summary>A protocol message that this service does not read.</summary>
    UnreadProtocol,

    /// <summary>A change of another kind than those known.</summary>
    UnknownAction,

    /// <summary>Nobody could be read where a person or a list of people stands.</summary>
    NoPerson,

    /// <summary>No group where one must stand.</summary>
    NoGroup,

    /// <summary>A message without a key, or an envelope without content.</summary>
    NoContent,
}

/// <summary>How often the events of one type were silent for one reason.</summary>
/// <param name="Type">A type that this service reads, so that no collector can grow the metric's label.</param>
/// <param name="Reason">Why.</param>
public readonly record struct SilentEvent(string Type, SilentReason Reason)
{
    /// <summary>The reason as the metric's label has it.</summary>
    public string Label => Reason switch
    {
        SilentReason.UnreadStub => "unread_stub",
        SilentReason.UnreadValue => "unread_value",
        SilentReason.UnreadProtocol => "unread_protocol",
        SilentReason.UnknownAction => "unknown_action",
        SilentReason.NoPerson => "no_person",
        SilentReason.NoGroup => "no_group",
        _ => "no_content",
    };
}
