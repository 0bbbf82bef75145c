using System.Buffers;
using System.Net.Http.Headers;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>The request of a single delivery: the envelope as it was stored, its metadata as headers.</summary>
internal static class SingleRequest
{
    private static readonly SearchValues<char> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    private static readonly MediaTypeHeaderValue CloudEvent = new(ContentTypes.CloudEvent);

    /// <summary>Creates the request; null when a metadata name or value cannot be a header.</summary>
    public static HttpRequestMessage? TryCreate(SubscriptionScope scope, TopicMessage message, Route route)
    {
        var subscription = scope.Subscription;
        var bytes = message.Bytes;
        if (scope.Raw)
        {
            using var envelopes = new EnvelopeWriter(scope.Time);
            bytes = envelopes.WrapRaw(bytes, subscription.PubSubName, subscription.Topic);
        }

        var request = new HttpRequestMessage(HttpMethod.Post, AddressOf(scope.App.Address!, route.Path)) { Content = new ByteArrayContent(bytes) };
        request.Content.Headers.ContentType = CloudEvent;
        foreach (var (name, value) in DeadLetters.MetadataOf(message))
        {
            if (IsOwn(name))
                continue;

            if (!IsHeader(name, value) || !(request.Headers.TryAddWithoutValidation(name, value) || request.Content.Headers.TryAddWithoutValidation(name, value)))
            {
                request.Dispose();
                return null;
            }
        }

        request.Headers.TryAddWithoutValidation("pubsubname", subscription.PubSubName);
        if (TraceContext.ChildOf(route.TraceParent) is { } span)
            request.Headers.TryAddWithoutValidation("traceparent", span);
        return request;
    }

    /// <summary>The address of a path of the app; routes may be given with or without a leading slash.</summary>
    public static Uri AddressOf(Uri app, string path) => new(app, "/" + path.TrimStart('/'));

    /// <summary>Headers the delivery sets itself, and those of the connection.</summary>
    private static bool IsOwn(string name) => name.ToUpperInvariant() is
        "PUBSUBNAME" or "CONTENT-TYPE" or "CONTENT-LENGTH" or "TRACEPARENT" or "HOST" or "CONNECTION" or "TRANSFER-ENCODING" or "UPGRADE"
        or "KEEP-ALIVE" or "PROXY-CONNECTION" or "TE" or "TRAILER" or "DAPR-API-TOKEN";

    private static bool IsHeader(string name, string value) =>
        name.Length > 0 && !name.AsSpan().ContainsAnyExcept(TokenCharacters) && !value.Any(character => character is '\x7f' or (< ' ' and not '\t'));
}
