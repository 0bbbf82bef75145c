namespace WhatsAppMesh.Membership.Facts;

/// <summary>Role inside a group.</summary>
public enum MemberRole : short
{
    /// <summary>An ordinary member.</summary>
    Member = 0,

    /// <summary>May manage members.</summary>
    Admin = 1,

    /// <summary>Made the group, or took it over; keeps the role when promoted.</summary>
    Superadmin = 2,
}

/// <summary>One person as an event names them: a LID, a phone, or both. At least one is there.</summary>
/// <param name="Lid">LID in normal form.</param>
/// <param name="Phone">Phone JID in normal form.</param>
/// <param name="Role">Role as sent; <see cref="MemberRole.Member"/> when the event says none.</param>
public readonly record struct Entry(string? Lid, string? Phone, MemberRole Role = MemberRole.Member)
{
    /// <summary>The JID that stands for the entry: the LID where there is one.</summary>
    public string Jid => Lid ?? Phone!;
}
