using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>
/// A refusal, as both doors tell it: an HTTP status and code beside a gRPC status. <see cref="ApiErrors"/> lists all of them.
/// </summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Code">gRPC status.</param>
/// <param name="ErrorCode">Code of the HTTP answer, for example <c>ERR_PUBSUB_NOT_FOUND</c>.</param>
/// <param name="Message">What happened: the message of the HTTP answer, the detail of the gRPC status.</param>
internal sealed record DaprError(int Status, StatusCode Code, string ErrorCode, string Message)
{
    /// <summary>Reason of the ErrorInfo detail, for example <c>DAPR_PUBSUB_NOT_FOUND</c>; null = the error has no details.</summary>
    public string? Reason { get; init; }

    /// <summary>Metadata of the ErrorInfo detail.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>The component the error is about: the ResourceInfo detail; null = none.</summary>
    public ErrorResource? Resource { get; init; }

    /// <summary>The field that is wrong, told with the same message: the BadRequest detail; null = none.</summary>
    public string? Field { get; init; }

    /// <summary>The message of the HTTP answer, where it differs from that of gRPC.</summary>
    public string? HttpMessage { get; init; }
}

/// <summary>A component that an error is about.</summary>
/// <param name="Type">For example <c>pubsub</c>.</param>
/// <param name="Name">Its name.</param>
/// <param name="Description">What is wrong with it; may be empty.</param>
internal sealed record ErrorResource(string Type, string Name, string Description = "");

/// <summary>A request is refused with an error of the table.</summary>
internal sealed class DaprErrorException(DaprError error) : Exception(error.Message)
{
    public DaprError Error { get; } = error;
}
