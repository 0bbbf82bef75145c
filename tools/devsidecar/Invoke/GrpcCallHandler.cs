using Grpc.Core;
using WhatsAppMesh.DevSidecar.Grpc;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The sidecar ends a gRPC call itself, with this status.</summary>
internal sealed class GrpcFailureException(StatusCode code, string message) : CallFailedException(message)
{
    public StatusCode Code { get; } = code;
}

/// <summary>
/// Sends a proxied gRPC call under its policy. Without retries and timeout it streams. With them, an attempt lasts until the first
/// message or the status comes back: a status that the policy retries is retried with the same single request message, while a
/// second request message, which could not be repeated, ends the call. A call that says <c>dapr-stream</c> streams: only its opening
/// is retried.
/// </summary>
internal sealed class GrpcCallHandler(CallSender sender, CallTarget target, CallPolicy policy, HttpRequest incoming, int maxMessageSize) : HttpMessageHandler
{
    /// <summary>Answers with a first message above the limit are refused: at the caller's side of a call, not at the callee's.</summary>
    public bool LimitsAnswers { get; init; }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await SendUnderPolicyAsync(request, cancellationToken);
        if (!LimitsAnswers || await FirstBytesContent.PeekSizeAsync(response, cancellationToken) is var size && size <= maxMessageSize)
            return response;

        response.Dispose();
        throw new GrpcFailureException(StatusCode.ResourceExhausted, Messages.TooLarge(size, maxMessageSize));
    }

    private async Task<HttpResponseMessage> SendUnderPolicyAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (policy == CallPolicy.None)
            return await sender.SendAsync(target, request, cancellationToken);

        if (IsStream(incoming))
            return await OpenStreamAsync(request, cancellationToken);

        var replay = policy.Policy.HasRetries ? new SingleMessageBody(incoming.Body, maxMessageSize) : null;
        HttpResponseMessage? last = null;
        var result = await policy.Policy.RunAsync(
            async token =>
            {
                last?.Dispose();
                last = null;
                return await AttemptAsync(replay is null ? request : replay.Copy(request), replay, response => last = response, token);
            },
            cancellationToken);

        if (replay?.Refusal is { } refusal)
            throw refusal;
        return last ?? throw FailureOf(result.End, result.Failure);
    }

    /// <summary>Tries again only while no connection came about: after that, messages of the stream may have left.</summary>
    private async Task<HttpResponseMessage> OpenStreamAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        CallFailedException? broken = null;
        var result = await policy.Policy.RunAsync<HttpResponseMessage?>(
            async _ =>
            {
                try
                {
                    return new(await sender.SendAsync(target, request, cancellationToken), null);
                }
                catch (PeerUnreachableException e) when (e.NothingSent)
                {
                    return new(null, new AttemptFailure(e.Message, GrpcStatus: (int)StatusCode.Unavailable, Exception: e));
                }
                catch (CallFailedException e)
                {
                    broken = e;
                    return default;
                }
            },
            cancellationToken);
        return result.Value ?? throw broken ?? FailureOf(result.End, result.Failure);
    }

    private async Task<Attempt<bool>> AttemptAsync(
        HttpRequestMessage request, SingleMessageBody? replay, Action<HttpResponseMessage> keep, CancellationToken cancellationToken)
    {
        HttpResponseMessage response;
        try
        {
            response = await sender.SendAsync(target, request, cancellationToken);
        }
        catch (CallFailedException e)
        {
            // A call that cannot be repeated counts as done: what it failed with is told below.
            if (replay?.Refusal is not null)
                return default;
            return new(false, new AttemptFailure(e.Message, GrpcStatus: (int)(e is NoHostException ? StatusCode.Unknown : StatusCode.Unavailable), Exception: e));
        }

        keep(response);
        if (StatusOf(response.Headers) is not { } early)
            early = await FirstBytesContent.PeekAsync(response, cancellationToken) ? 0 : StatusOf(response.TrailingHeaders) ?? 0;
        return new(true, early == 0 ? null : new AttemptFailure($"{target.Name} answered status {early}", GrpcStatus: early));
    }

    private static CallFailedException FailureOf(PolicyEnd end, AttemptFailure? failure)
    {
        if (failure?.Exception is CallFailedException failed)
            return failed;

        var timedOut = end == PolicyEnd.Failed && failure?.Exception is OperationCanceledException;
        return new GrpcFailureException(timedOut ? StatusCode.DeadlineExceeded : StatusCode.Unavailable, failure?.Reason ?? "no answer");
    }

    private static int? StatusOf(System.Net.Http.Headers.HttpResponseHeaders headers) =>
        headers.TryGetValues("grpc-status", out var values) && int.TryParse(values.FirstOrDefault(), out var status) ? status : null;

    private static bool IsStream(HttpRequest request) =>
        request.Headers[CallHeaders.Stream].ToString().ToLowerInvariant() is "y" or "yes" or "true" or "t" or "on" or "1";
}
