using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>
/// Makes recorded streams again, step by step. Of two streams in a case, notes tell on which one a step happened. Where the recording waited
/// for nothing to come, this waits a much shorter time.
/// </summary>
internal sealed partial class StreamReplay(CallInvoker invoker, string? token)
{
    private static readonly Marshaller<byte[]> Bytes = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(700);

    public async Task<IReadOnlyList<string>> RunAsync(JsonNode recorded)
    {
        var run = new StreamRun(this, recorded);
        await using (run)
            return await run.RunAsync();
    }

    private AsyncDuplexStreamingCall<byte[], byte[]> Open(JsonNode recorded, CancellationToken cancellationToken)
    {
        var parts = recorded["rpc"]!.GetValue<string>().Split('/');
        var method = new Method<byte[], byte[]>(MethodType.DuplexStreaming, parts[1], parts[2], Bytes, Bytes);
        return invoker.AsyncDuplexStreamingCall(method, null, new CallOptions(RecordedMetadata.Of(recorded, token), DateTime.UtcNow.AddMinutes(5), cancellationToken));
    }

    private async Task<RpcException?> PublishAsync(JsonNode request)
    {
        var method = new Method<byte[], byte[]>(MethodType.Unary, "dapr.proto.runtime.v1.Dapr", "PublishEvent", Bytes, Bytes);
        var metadata = token is null ? [] : new Metadata { { "dapr-api-token", token } };
        try
        {
            await invoker.AsyncUnaryCall(method, null, new CallOptions(metadata), JsonParser.Default.Parse<PublishEventRequest>(request.ToJsonString()).ToByteArray());
            return null;
        }
        catch (RpcException e)
        {
            return e;
        }
    }

    /// <summary>One stream of a case.</summary>
    private sealed class OpenStream(AsyncDuplexStreamingCall<byte[], byte[]> call, CancellationTokenSource cancel) : IDisposable
    {
        private Task<bool>? _next;

        public AsyncDuplexStreamingCall<byte[], byte[]> Call => call;

        public Task SendAsync(IMessage message) => call.RequestStream.WriteAsync(message.ToByteArray());

        /// <summary>The next message; null when none comes in time, or the stream ends.</summary>
        public async Task<byte[]?> NextAsync(TimeSpan patience)
        {
            _next ??= call.ResponseStream.MoveNext(CancellationToken.None);
            if (await Task.WhenAny(_next, Task.Delay(patience)) != _next)
                return null;
            var came = await _next;
            if (!came)
                return null;
            _next = null;
            return call.ResponseStream.Current;
        }

        public void Cancel() => cancel.Cancel();

        public void Dispose()
        {
            cancel.Cancel();
            call.Dispose();
            cancel.Dispose();
        }
    }

    private sealed class StreamRun(StreamReplay replay, JsonNode recorded) : IAsyncDisposable
    {
        private readonly Dictionary<string, OpenStream> _streams = [];
        private readonly Dictionary<string, string> _ids = [];
        private readonly List<string> _differences = [];
        private readonly MethodDescriptor? _method = MethodOf(recorded["rpc"]!.GetValue<string>());
        private string _on = "";
        private bool _publish;

        public async Task<IReadOnlyList<string>> RunAsync()
        {
            RpcException? failure = null;
            var steps = recorded["steps"]!.AsArray();
            try
            {
                foreach (var (i, step) in steps.Index())
                    await StepAsync(i, step!);
                if (recorded["result"]!["ok"]!.GetValue<bool>() && !IsSubscription)
                    await EndAsync();
                if (!recorded["result"]!["ok"]!.GetValue<bool>())
                    await FailAsync(steps.Count == 0);
            }
            catch (RpcException e)
            {
                failure = e;
            }

            Compare(failure);
            return _differences;
        }

        public ValueTask DisposeAsync()
        {
            foreach (var stream in _streams.Values)
                stream.Dispose();
            return ValueTask.CompletedTask;
        }

        private bool IsSubscription => _method?.Name == "SubscribeTopicEventsAlpha1";

        private OpenStream Stream
        {
            get
            {
                if (_streams.TryGetValue(_on, out var open))
                    return open;
                var cancel = new CancellationTokenSource();
                return _streams[_on] = new OpenStream(replay.Open(recorded, cancel.Token), cancel);
            }
        }

        private async Task StepAsync(int index, JsonNode step)
        {
            if (step["note"]?.GetValue<string>() is { } note)
                await NoteAsync(note, mayVary: RecordedCalls.Varying(recorded, $"/steps/{index}").Contains("/note"));
            else if (_publish)
                await PublishAsync(step["sent"]!, index);
            else if (step["sent"] is { } sent)
                await SendAsync(sent);
            else
                await ReceiveAsync(index, step["received"]!);
        }

        private async Task NoteAsync(string note, bool mayVary)
        {
            if (On().Match(note) is { Success: true } on)
                _on = on.Groups[1].Value;
            else if (note == "PublishEvent:")
                _publish = true;
            else if (!mayVary && (note.StartsWith("nothing came", StringComparison.Ordinal) || note.StartsWith("the stream was still open", StringComparison.Ordinal)))
                await ExpectSilenceAsync(note);
            else if (note is "cancelled" or "the first stream was cancelled")
                Stream.Cancel();
        }

        private async Task ExpectSilenceAsync(string note)
        {
            if (await Stream.NextAsync(Silence) is { } came)
                _differences.Add($"{note}, and here came {_method!.OutputType.Parser.ParseFrom(came)}");
        }

        private async Task PublishAsync(JsonNode request, int index)
        {
            _publish = false;
            var failure = await replay.PublishAsync(request);
            var told = failure is null ? null : $"the publish failed: {failure.StatusCode}: {failure.Status.Detail}";
            var notes = recorded["steps"]!.AsArray().Skip(index + 1).Select(step => step!["note"]?.GetValue<string>());
            if (notes.FirstOrDefault(note => note?.StartsWith("the publish failed", StringComparison.Ordinal) == true) != told)
                _differences.Add($"step {index}: {told ?? "the publish succeeded"}");
        }

        private async Task SendAsync(JsonNode sent)
        {
            var json = sent.DeepClone();
            if (json["eventProcessed"]?["id"]?.GetValue<string>() is { } id && _ids.TryGetValue(id, out var todays))
                json["eventProcessed"]!["id"] = todays;
            try
            {
                await Stream.SendAsync(JsonParser.Default.Parse(json.ToJsonString(), _method?.InputType ?? ProbeRequest.Descriptor));
            }
            catch (Exception e) when (e is RpcException or InvalidOperationException)
            {
                // A write that meets the end of its call may say "cancelled": how the call ended is told to who reads.
                while (await Stream.NextAsync(Patience) is not null)
                {
                    // What came before the end.
                }

                throw;
            }

            if (_method is { IsClientStreaming: false })
                await Stream.Call.RequestStream.CompleteAsync();
        }

        private async Task ReceiveAsync(int index, JsonNode expected)
        {
            if (_method!.IsClientStreaming && !_method.IsServerStreaming)
                await Stream.Call.RequestStream.CompleteAsync();
            if (await Stream.NextAsync(Patience) is not { } bytes)
            {
                _differences.Add($"step {index}: nothing came");
                return;
            }

            var here = Answers.ToJson(_method.OutputType.Parser.ParseFrom(bytes));
            if (expected["eventMessage"]?["id"]?.GetValue<string>() is { } id && here["eventMessage"]?["id"]?.GetValue<string>() is { } todays)
                _ids[id] = todays;
            if (RecordedCalls.Difference(expected, here, RecordedCalls.Varying(recorded, $"/steps/{index}/received")) is { } difference)
                _differences.Add($"step {index}: {difference}");
        }

        private async Task EndAsync()
        {
            if (_streams.Count == 0 || recorded["result"]!["status"] is null)
                return;
            await Stream.Call.RequestStream.CompleteAsync();
            while (await Stream.NextAsync(Patience) is not null)
            {
                // The rest of the answers was not recorded.
            }
        }

        /// <summary>Waits for the failure that was recorded.</summary>
        private async Task FailAsync(bool nothingSent)
        {
            var name = RecordedCalls.NameOf(recorded);
            if (nothingSent || name.Contains("completed", StringComparison.Ordinal))
                await Stream.Call.RequestStream.CompleteAsync();
            if (await Stream.NextAsync(Patience) is { } came)
                _differences.Add($"it should have failed, and here came {_method?.OutputType.Parser.ParseFrom(came)}");
        }

        private void Compare(RpcException? failure)
        {
            var expected = recorded["result"]!;
            var here = failure is null ? new JsonObject { ["ok"] = true, ["status"] = expected["status"]?.DeepClone() } : Answers.Failed(failure, null);
            var varying = RecordedCalls.Varying(recorded, "/result").Concat(["/headers", "/trailers/date"]).ToList();
            if (RecordedCalls.Difference(expected, here, varying) is { } difference)
                _differences.Add(difference);
        }

        private static MethodDescriptor? MethodOf(string rpc)
        {
            var parts = rpc.Split('/');
            return parts[1] == "daprprobe.v1.Probe" ? ProbeReflection.Descriptor.Services[0].FindMethodByName(parts[2])
                : parts[1].StartsWith("dapr.", StringComparison.Ordinal) ? DaprReflection.Descriptor.Services[0].FindMethodByName(parts[2])
                : null;
        }
    }

    [GeneratedRegex("^on the (.*):$")]
    private static partial Regex On();
}
