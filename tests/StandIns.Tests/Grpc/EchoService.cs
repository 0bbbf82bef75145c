using Grpc.Core;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>The server side; the text of a note chooses what happens.</summary>
public sealed class EchoService(EchoServer server) : Echo.EchoBase
{
    public const string Wait = "wait";
    public const string Refuse = "refuse";
    public const string Crash = "crash";
    public const string Headers = "headers";

    public override async Task<Note> Say(Note request, ServerCallContext context)
    {
        switch (request.Text)
        {
            case Wait:
                server.LastDeadline = context.Deadline;
                await server.UntilCancelledAsync(context.CancellationToken);
                break;
            case Refuse:
                throw new RpcException(
                    new Status(StatusCode.FailedPrecondition, "not now: ünïcode"), new Metadata { { "reason", "closed" } });
            case Crash:
                throw new InvalidOperationException("this text stays on the server");
        }
        await context.WriteResponseHeadersAsync(Copy(context.RequestHeaders, "head-"));
        foreach (var entry in Copy(context.RequestHeaders, request.Text == Headers ? "dapr-" : "tail-"))
            context.ResponseTrailers.Add(entry);
        return request;
    }

    public override async Task Repeat(Note request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        for (var i = 0; i < request.Count; i++)
            await responseStream.WriteAsync(new Note { Text = request.Text, Count = i }, context.CancellationToken);
    }

    public override async Task<Note> Join(IAsyncStreamReader<Note> requestStream, ServerCallContext context)
    {
        var texts = new List<string>();
        await foreach (var note in requestStream.ReadAllAsync(context.CancellationToken))
            texts.Add(note.Text);
        return new Note { Text = string.Concat(texts), Count = texts.Count };
    }

    public override async Task Chat(IAsyncStreamReader<Note> requestStream, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext())
            await responseStream.WriteAsync(new Note { Text = requestStream.Current.Text + "!" });
    }

    private static Metadata Copy(Metadata headers, string prefix)
    {
        var copy = new Metadata();
        foreach (var entry in headers.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)))
            copy.Add(entry);
        return copy;
    }
}
