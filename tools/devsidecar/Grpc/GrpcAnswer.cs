using System.Globalization;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Api;
using RpcStatus = Google.Rpc.Status;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>Tells an error of the table over gRPC: a status, and the details that the error has as <c>google.rpc</c> messages.</summary>
internal static class GrpcAnswer
{
    private const string Details = "grpc-status-details-bin";

    /// <summary>The error as a method of the service throws it.</summary>
    public static RpcException ToException(DaprError error) => new(
        new global::Grpc.Core.Status(error.Code, error.Message),
        DetailsOf(error) is { } details ? new Metadata { { Details, details.ToByteArray() } } : [],
        error.Message);

    /// <summary>Writes an answer that consists of a status alone, in trailers as grpc-go does: a header would bring the server's date along.</summary>
    public static async Task WriteAsync(HttpContext context, StatusCode code, string message, DaprError? error = null)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "application/grpc";
        await response.StartAsync(context.RequestAborted);
        response.AppendTrailer("grpc-status", ((int)code).ToString(CultureInfo.InvariantCulture));
        response.AppendTrailer("grpc-message", Escape(message));
        if (error is not null && DetailsOf(error) is { } details)
            response.AppendTrailer(Details, Convert.ToBase64String(details.ToByteArray()).TrimEnd('='));
    }

    public static Task WriteAsync(HttpContext context, DaprError error) => WriteAsync(context, error.Code, error.Message, error);

    private static RpcStatus? DetailsOf(DaprError error)
    {
        if (error.Reason is not { } reason)
            return null;

        var status = new RpcStatus { Code = (int)error.Code, Message = error.Message };
        if (error.Field is { } field)
        {
            var violation = new BadRequest.Types.FieldViolation { Field = field, Description = error.Message };
            status.Details.Add(Any.Pack(new BadRequest { FieldViolations = { violation } }));
        }

        if (error.Resource is { } resource)
            status.Details.Add(Any.Pack(new ResourceInfo { ResourceType = resource.Type, ResourceName = resource.Name, Description = resource.Description }));
        var info = new ErrorInfo { Reason = reason, Domain = "dapr.io" };
        foreach (var (name, value) in error.Metadata)
            info.Metadata[name] = value;
        status.Details.Add(Any.Pack(info));
        return status;
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
