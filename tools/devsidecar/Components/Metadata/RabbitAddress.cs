using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.Components.Metadata;

/// <summary>RabbitMQ's address as the Go client reads it: <c>amqp://USER:PASSWORD@HOST:PORT/VHOST</c>, special characters as %XX.</summary>
internal static class RabbitAddress
{
    /// <summary>The form; nothing means hostname and its companions.</summary>
    public static readonly SettingForm Form = new(
        "amqp://USER:PASSWORD@HOST:PORT/VHOST, or amqps://, with special characters as %XX", text => text.Length == 0 || IsAddress(text));

    private static bool IsAddress(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        return scheme > 0 && text[..scheme].ToLowerInvariant() is "amqp" or "amqps"
            && !text.Contains(' ', StringComparison.Ordinal)
            && IsUrl(text[scheme..]);
    }

    // The rules of the address itself are Go's net/url's, as for PostgreSQL.
    private static bool IsUrl(string rest)
    {
        try
        {
            var address = rest.IndexOf('?', StringComparison.Ordinal) is >= 0 and var query ? rest[..query] : rest;
            _ = PgxConnection.Parse($"postgres{address}?sslmode=disable");
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
