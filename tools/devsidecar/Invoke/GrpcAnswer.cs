using System.Globalization;
using System.Text;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The gRPC status codes that the sidecar answers with itself.</summary>
internal enum GrpcCode
{
    Unknown = 2,
    DeadlineExceeded = 4,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    Unauthenticated = 16,
}

/// <summary>Writes a gRPC answer that consists of a status alone.</summary>
internal static class GrpcAnswer
{
    public static void Write(HttpContext context, GrpcCode code, string message)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        response.Headers["grpc-status"] = ((int)code).ToString(CultureInfo.InvariantCulture);
        response.Headers["grpc-message"] = Escape(message);
    }

    /// <summary>Percent-encodes what a header value cannot hold (the rule of the gRPC protocol for grpc-message).</summary>
    private static string Escape(string message)
    {
        var text = new StringBuilder(message.Length);
        foreach (var b in Encoding.UTF8.GetBytes(message))
        {
            if (b is >= 0x20 and <= 0x7E and not (byte)'%')
                text.Append((char)b);
            else
                text.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }

        return text.ToString();
    }
}
