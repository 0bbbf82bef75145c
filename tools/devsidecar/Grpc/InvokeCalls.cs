using System.Globalization;
using System.Net;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Microsoft.AspNetCore.WebUtilities;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Invoke;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>InvokeService: a call over gRPC to an app that speaks HTTP; deprecated by Dapr, and still in its client.</summary>
internal sealed class InvokeCalls(InvokeEngine invoke)
{
    private const string HttpStatus = "dapr-http-status";

    /// <summary>Longest text that an ErrorInfo may hold.</summary>
    private const int LongestDetail = 63;

    public async Task<InvokeResponse> InvokeAsync(InvokeServiceRequest request, ServerCallContext context)
    {
        var message = request.Message;
        var call = new AppCall(
            request.Id, message?.Method ?? "", VerbOf(message?.HttpExtension), message?.HttpExtension?.Querystring ?? "",
            message?.ContentType ?? "", message?.Data?.Value.ToByteArray() ?? [], HeadersOf(context));
        using var response = await invoke.CallAsync(call, context.CancellationToken);
        var body = await response.Content.ReadAsByteArrayAsync(context.CancellationToken);
        await context.WriteResponseHeadersAsync(MetadataOf(response));
        if (!response.IsSuccessStatusCode)
            throw Failure((int)response.StatusCode, body);

        return new InvokeResponse
        {
            Data = new Any { Value = UnsafeByteOperations.UnsafeWrap(body) },
            ContentType = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var type) ? type.ToString() : "",
        };
    }

    private static string? VerbOf(HTTPExtension? extension) => extension?.Verb switch
    {
        null => null,
        HTTPExtension.Types.Verb.None => "",
        var verb => verb.ToString()!.ToUpperInvariant(),
    };

    /// <summary>The caller's metadata as headers of the call; what belongs to gRPC itself is told under another name.</summary>
    private static IEnumerable<KeyValuePair<string, string>> HeadersOf(ServerCallContext context)
    {
        var request = context.GetHttpContext().Request;
        foreach (var (name, values) in request.Headers)
        {
            var lower = name.ToLowerInvariant();
            if (lower.StartsWith(':') || lower.EndsWith("-bin", StringComparison.Ordinal) || lower is "content-type" or "content-length" or "te" or "host")
                continue;
            foreach (var value in values)
                yield return new(lower.StartsWith("grpc-", StringComparison.Ordinal) ? $"dapr-{lower}" : lower, value ?? "");
        }

        yield return new("dapr-authority", request.Host.Value ?? "");
    }

    /// <summary>The app's headers as metadata; those that mean something to HTTP itself are told under another name.</summary>
    private static Metadata MetadataOf(HttpResponseMessage response)
    {
        var metadata = new Metadata { { HttpStatus, ((int)response.StatusCode).ToString(CultureInfo.InvariantCulture) } };
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            var lower = name.ToLowerInvariant();
            if (lower is "content-length" or "traceparent" or "tracestate" or "transfer-encoding")
                continue;
            foreach (var value in values)
                metadata.Add(PermanentHeaders.Contains(lower) ? $"dapr-{lower}" : lower, value);
        }

        metadata.Add("traceparent", CallTransformer.NewTrace());
        return metadata;
    }

    private static RpcException Failure(int status, byte[] body)
    {
        // Cut by bytes, as Go does.
        var detail = System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, LongestDetail)));
        var text = ReasonPhrases.GetReasonPhrase(status);
        return GrpcAnswer.ToException(new DaprError(status, CodeOf((HttpStatusCode)status), "ERR_DIRECT_INVOKE", text)
        {
            Reason = text,
            Metadata = new Dictionary<string, string>
            {
                ["http.code"] = status.ToString(CultureInfo.InvariantCulture),
                ["http.error_message"] = detail,
            },
        });
    }

    private static StatusCode CodeOf(HttpStatusCode status) => status switch
    {
        HttpStatusCode.RequestTimeout => StatusCode.Cancelled,
        HttpStatusCode.BadRequest => StatusCode.Internal,
        HttpStatusCode.GatewayTimeout => StatusCode.DeadlineExceeded,
        HttpStatusCode.NotFound => StatusCode.NotFound,
        HttpStatusCode.Conflict => StatusCode.AlreadyExists,
        HttpStatusCode.Forbidden => StatusCode.PermissionDenied,
        HttpStatusCode.Unauthorized => StatusCode.Unauthenticated,
        HttpStatusCode.TooManyRequests => StatusCode.ResourceExhausted,
        HttpStatusCode.NotImplemented => StatusCode.Unimplemented,
        HttpStatusCode.ServiceUnavailable => StatusCode.Unavailable,
        _ => StatusCode.Unknown,
    };

    private static readonly HashSet<string> PermanentHeaders =
    [
        "accept", "accept-charset", "accept-language", "accept-ranges", "connection", "keep-alive", "proxy-connection", "upgrade", "cache-control",
        "content-type", "cookie", "date", "expect", "from", "host", "if-match", "if-modified-since", "if-none-match", "if-schedule-tag-match",
        "if-unmodified-since", "max-forwards", "origin", "pragma", "referer", "via", "warning",
    ];
}
