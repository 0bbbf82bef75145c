using System.IO.Compression;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// Go's HTTP client offers gzip to the app when the caller offers nothing, and unpacks the answer: a caller that did not ask for packed
/// answers gets none.
/// </summary>
internal static class GoCompression
{
    /// <summary>Offers gzip to an app over HTTP.</summary>
    /// <returns>Whether it did, so that the answer is to be unpacked.</returns>
    public static bool Offer(HttpRequestMessage request)
    {
        if (request.Headers.Contains("Accept-Encoding") || request.Headers.Contains("Range") || request.Method == HttpMethod.Head || IsGrpc(request.Content))
            return false;

        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        return true;
    }

    public static async Task<HttpResponseMessage> UnpackAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var packed = response.Content;
        if (!packed.Headers.NonValidated.TryGetValues("Content-Encoding", out var encoding)
            || !encoding.ToString().Equals("gzip", StringComparison.OrdinalIgnoreCase))
        {
            return response;
        }

        var unpacked = new StreamContent(new GZipStream(await packed.ReadAsStreamAsync(cancellationToken), CompressionMode.Decompress));
        foreach (var (name, values) in packed.Headers.NonValidated)
        {
            if (name is not ("Content-Encoding" or "Content-Length"))
                unpacked.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        }

        response.Content = unpacked;
        return response;
    }

    private static bool IsGrpc(HttpContent? content) =>
        content is not null && content.Headers.NonValidated.TryGetValues("Content-Type", out var type)
        && type.ToString().StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase);
}
