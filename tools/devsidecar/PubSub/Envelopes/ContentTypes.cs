namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>How the content type of published data decides its place in the envelope.</summary>
internal static class ContentTypes
{
    public const string CloudEvent = "application/cloudevents+json";
    public const string Json = "application/json";
    public const string Text = "text/plain";
    public const string Binary = "application/octet-stream";

    public static bool IsCloudEvent(string contentType) => Is(contentType, CloudEvent);

    public static bool IsJson(string contentType) => Is(contentType, Json);

    public static bool IsBinary(string contentType) => Is(contentType, Binary);

    public static bool IsText(string contentType) =>
        contentType.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || Is(contentType, "application/xml");

    private static bool Is(string contentType, string expected)
    {
        var parameters = contentType.IndexOf(';', StringComparison.Ordinal);
        return (parameters < 0 ? contentType.AsSpan() : contentType.AsSpan(0, parameters)).Equals(expected, StringComparison.OrdinalIgnoreCase);
    }
}
