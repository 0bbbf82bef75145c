using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Membership.Queries;

/// <summary>Checks the fields of requests; what breaks a rule is INVALID_ARGUMENT and names the field.</summary>
internal static class Requests
{
    private const int DefaultPageSize = 50;
    private const int MaxPageSize = 500;
    private const int MaxTenantLength = 100;
    private const int MaxUsernameLength = 100;

    public static string Tenant(string tenant)
    {
        Require(tenant.Length is > 0 and <= MaxTenantLength, "tenant", $"must have 1 to {MaxTenantLength} characters");
        return tenant;
    }

    public static string Group(string jid)
    {
        var parsed = Jid.Parse(jid);
        Require(parsed.IsGroup, "group_jid", "must be the JID of a group, as in 120363000000000001@g.us");
        return parsed.Value;
    }

    public static string Person(string jid, string field = "jid")
    {
        var parsed = Jid.Parse(jid);
        Require(parsed.IsLid || parsed.IsPhone, field, "must be a LID (…@lid) or a phone JID (…@s.whatsapp.net)");
        return parsed.Value;
    }

    /// <summary>A person by a JID, or by a username with <c>@</c> before it, which no JID begins with.</summary>
    public static bool IsUsername(string text, out string username)
    {
        username = text.StartsWith('@') ? text[1..] : "";
        if (!text.StartsWith('@'))
            return false;
        Require(username.Length is > 0 and <= MaxUsernameLength && !username.Any(static c => char.IsControl(c) || char.IsWhiteSpace(c)),
            "jid", $"must have 1 to {MaxUsernameLength} characters after the @ of a username, without blanks");
        return true;
    }

    public static string Lid(string jid)
    {
        var parsed = Jid.Parse(jid);
        Require(parsed.IsLid, "lid", "must be a LID, as in 999000000000001@lid");
        return parsed.Value;
    }

    public static string Phone(string jid)
    {
        var parsed = Jid.Parse(jid);
        Require(parsed.IsPhone, "phone_jid", "must be a phone JID, as in 12025550101@s.whatsapp.net");
        return parsed.Value;
    }

    public static int PageSize(int size)
    {
        Require(size is >= 0 and <= MaxPageSize, "page_size", $"must be at most {MaxPageSize}, or 0 for {DefaultPageSize}");
        return size == 0 ? DefaultPageSize : size;
    }

    public static DateTimeOffset? Time(Timestamp? time, string field)
    {
        if (time is null)
            return null;
        // What DateTime can hold (0001 to 9999).
        Require(time is { Seconds: >= -62135596800 and <= 253402300799, Nanos: >= 0 and <= 999_999_999 }, field, "must lie in the years 1 to 9999");
        return time.ToDateTimeOffset();
    }

    /// <summary>Sort key of the last row of the page before; null for the first page.</summary>
    /// <param name="bound">The request without page size and token.</param>
    public static string[]? PageKey(string token, IMessage bound, int parts)
    {
        if (token.Length == 0)
            return null;
        Require(PageToken.TryRead(token, bound, parts, out var key), "page_token", "is not a token of this request: start again without it");
        return key;
    }

    public static long Number(string part) =>
        long.TryParse(part, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Invalid("page_token", "is not a token of this request: start again without it");

    public static void Require([DoesNotReturnIf(false)] bool holds, string field, string rule)
    {
        if (!holds)
            throw Invalid(field, rule);
    }

    private static RpcException Invalid(string field, string rule) => new(new Status(StatusCode.InvalidArgument, $"{field} {rule}."));
}
