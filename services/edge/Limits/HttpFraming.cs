namespace WhatsAppMesh.Edge.Limits;

/// <summary>Finds requests whose length two servers in a row may read differently (request smuggling).</summary>
public static class HttpFraming
{
    /// <summary>
    /// True when a request has both Transfer-Encoding and Content-Length. RFC 9112 section 6.1 lets a server go by the first; a proxy in
    /// front that went by the second has sent us the rest of somebody's request. Kestrel keeps the overruled length as X-Content-Length.
    /// </summary>
    public static bool IsAmbiguous(IHeaderDictionary headers) =>
        headers.TransferEncoding.Count > 0 && (headers.ContentLength is not null || headers.ContainsKey("X-Content-Length"));
}
