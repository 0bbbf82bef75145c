using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.V1;
using WhatsAppMesh.Privacy.V1;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>A question as it arrived at the sidecar's gRPC port.</summary>
public sealed record Asked(string App, string Method, IMessage Request, string? Token);

/// <summary>
/// Edge's sidecar with every service behind it, over real gRPC: it records what it is asked, for which app, and answers something about whatever
/// tenant the question names.
/// </summary>
public sealed class FakeServices : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeServices()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton(this);
        builder.Services.AddGrpc(grpc => grpc.Interceptors.Add<Recorder>(this));
        _app = builder.Build();
        _app.MapGrpcService<FakeLakeService>();
        _app.MapGrpcService<FakeMembershipService>();
        _app.MapGrpcService<FakeDeadLettersService>();
        _app.MapGrpcService<FakeAccountService>();
        _app.MapGrpcService<FakePrivacyService>();
    }

    /// <summary>Everything that was asked, in order.</summary>
    public ConcurrentQueue<Asked> Questions { get; } = new();

    /// <summary>Thrown in place of an answer, by app and method.</summary>
    public Func<string, string, RpcException?> Failure { get; set; } = static (_, _) => null;

    /// <summary>Answers of GetHeads, one after the other; the last one stays.</summary>
    public Queue<long> Heads { get; } = new([100]);

    /// <summary>What a consumer says about log 1.</summary>
    public Func<string, long, LogAudit> Audit { get; set; } = static (_, head) => new LogAudit { Log = 1, Head = head, Applied = Range(1, head) };

    /// <summary>Events that an export gives before it fails; the failure is thrown at its end.</summary>
    public RpcException? ExportFailure { get; set; }

    /// <summary>Changes an answer before it is given.</summary>
    public Action<IMessage> Shape { get; set; } = static _ => { };

    public Uri Address => new(_app.Urls.Single());

    public static async Task<FakeServices> StartAsync()
    {
        var services = new FakeServices();
        await services._app.StartAsync();
        return services;
    }

    public static Positions Range(long from, long to) => to < from
        ? new Positions()
        : new Positions { Count = to - from + 1, Ranges = { new Deliveries.V1.PositionRange { Log = 1, From = from, To = to } } };

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Record(IMessage request, ServerCallContext context)
    {
        var app = context.RequestHeaders.GetValue("dapr-app-id") ?? "";
        var method = context.Method.Split('/')[^1];
        Questions.Enqueue(new Asked(app, method, request, context.RequestHeaders.GetValue("dapr-api-token")));
        if (Failure(app, method) is { } failure)
            throw failure;
    }

    private sealed class Recorder(FakeServices services) : Interceptor
    {
        public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            services.Record((IMessage)request, context);
            var answer = await continuation(request, context);
            services.Shape((IMessage)answer);
            return answer;
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request, IServerStreamWriter<TResponse> stream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            services.Record((IMessage)request, context);
            return continuation(request, stream, context);
        }
    }

    private sealed class FakeLakeService(FakeServices services) : Lake.LakeBase
    {
        public override Task<GetEventResponse> GetEvent(GetEventRequest request, ServerCallContext context) =>
            Task.FromResult(new GetEventResponse { Event = Event(request.Tenant) });

        public override Task<ListEventsResponse> ListEvents(ListEventsRequest request, ServerCallContext context) =>
            Task.FromResult(new ListEventsResponse { Events = { Event(request.Filter.Tenant) }, NextPageToken = "next" });

        public override async Task ExportEvents(ExportEventsRequest request, IServerStreamWriter<ExportEventsResponse> stream, ServerCallContext context)
        {
            for (var i = 0; i < 3; i++)
            {
                var answer = new ExportEventsResponse { Event = Event(request.Filter.Tenant) };
                services.Shape(answer);
                await stream.WriteAsync(answer);
            }
            if (services.ExportFailure is { } failure)
                throw failure;
        }

        public override async Task<ImportEventsResponse> ImportEvents(IAsyncStreamReader<ImportEventsRequest> stream, ServerCallContext context)
        {
            var answer = new ImportEventsResponse();
            await foreach (var batch in stream.ReadAllAsync())
            {
                services.Record(batch, context);
                answer.Read += batch.Lines.Count;
                answer.Appended += batch.Lines.Count;
            }

            return answer;
        }

        public override Task<GetStatsResponse> GetStats(GetStatsRequest request, ServerCallContext context) =>
            Task.FromResult(new GetStatsResponse { Events = 7, Revisions = 1, ByType = { ["messages.upsert"] = 7 }, Unpublished = 3, UnpublishedOldestAgeSeconds = 1.5 });

        public override Task<GetHeadsResponse> GetHeads(GetHeadsRequest request, ServerCallContext context)
        {
            var head = services.Heads.Count > 1 ? services.Heads.Dequeue() : services.Heads.Peek();
            return Task.FromResult(new GetHeadsResponse { Heads = { new LogHead { Log = 1, Oldest = 1, Newest = head } } });
        }

        private static CollectedEvent Event(string tenant) => new()
        {
            Log = 1,
            Position = 42,
            Tenant = tenant,
            Source = "default",
            EventId = "377a14be-f301-532d-8efb-adfe5b0fcfd5",
            Type = "messages.upsert",
            ChatJid = "120363000000000001@g.us",
            OccurredAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddDays(20_000)),
            OccurredAtSource = "messageTimestamp",
            ReceivedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddDays(20_000)),
            PayloadJson = """{"text":"Olá","huge":1e999999}""",
        };
    }

    private sealed class FakeMembershipService : Membership.V1.Membership.MembershipBase
    {
        private static Participant Ana => new() { ParticipantId = 5, Lid = "999000000000001@lid", Jids = { "999000000000001@lid" }, PushName = "Ana", Username = "ana.maria" };

        public override Task<GetGroupResponse> GetGroup(GetGroupRequest request, ServerCallContext context) =>
            Task.FromResult(new GetGroupResponse { Group = Group(request.Tenant) });

        public override Task<ListGroupsResponse> ListGroups(ListGroupsRequest request, ServerCallContext context) =>
            Task.FromResult(new ListGroupsResponse { Groups = { Group(request.Tenant) }, NextPageToken = "next" });

        public override Task<ListMembersResponse> ListMembers(ListMembersRequest request, ServerCallContext context) =>
            Task.FromResult(new ListMembersResponse { Members = { new Member { ParticipantId = 5, Lid = "999000000000001@lid", Username = "ana.maria", Role = Role.Admin } } });

        public override Task<GetParticipantResponse> GetParticipant(GetParticipantRequest request, ServerCallContext context) =>
            Task.FromResult(new GetParticipantResponse { Participant = Ana });

        public override Task<ListMembershipHistoryResponse> ListMembershipHistory(ListMembershipHistoryRequest request, ServerCallContext context) =>
            Task.FromResult(new ListMembershipHistoryResponse { Stays = { new Stay { GroupJid = "120363000000000001@g.us", ParticipantId = 5, Username = "ana.maria" } } });

        public override Task<LinkIdentityResponse> LinkIdentity(LinkIdentityRequest request, ServerCallContext context) =>
            Task.FromResult(new LinkIdentityResponse { Participant = Ana });

        public override Task<UnlinkIdentityResponse> UnlinkIdentity(UnlinkIdentityRequest request, ServerCallContext context) =>
            Task.FromResult(new UnlinkIdentityResponse());

        private static Group Group(string tenant) => new()
        {
            Tenant = tenant, Jid = "120363000000000001@g.us", Subject = "Grupo", Announce = true, MemberCount = 3, ReportedSize = 29, Listed = 3,
        };
    }

    private sealed class FakeDeadLettersService : DeadLetters.V1.DeadLetters.DeadLettersBase
    {
        public const string Envelope = """{"id":"1","data":{"payloadJson":"secret words"}}""";

        public override Task<ListResponse> List(ListRequest request, ServerCallContext context) => Task.FromResult(new ListResponse
        {
            DeadLetters = { Letter(request.Filter.Tenant) },
            Causes = { new Cause { Category = "poison", Error = "PoisonException", Step = "read", Type = "messages.upsert", Count = 1 } },
            NextPageToken = "next",
        });

        public override Task<GetResponse> Get(GetRequest request, ServerCallContext context) =>
            Task.FromResult(new GetResponse { DeadLetter = Letter(request.Tenant), EnvelopeJson = Envelope });

        public override Task<ReplayResponse> Replay(ReplayRequest request, ServerCallContext context) =>
            Task.FromResult(new ReplayResponse { Matched = 2, JobId = request.DryRun ? "" : "01890000-0000-7000-8000-000000000001" });

        public override Task<DiscardResponse> Discard(DiscardRequest request, ServerCallContext context) => Task.FromResult(new DiscardResponse { Discarded = 1 });

        public override Task<GetJobResponse> GetJob(GetJobRequest request, ServerCallContext context) => Task.FromResult(new GetJobResponse { Job = Job("running") });

        public override Task<PauseJobResponse> PauseJob(PauseJobRequest request, ServerCallContext context) => Task.FromResult(new PauseJobResponse { Job = Job("paused") });

        public override Task<ResumeJobResponse> ResumeJob(ResumeJobRequest request, ServerCallContext context) => Task.FromResult(new ResumeJobResponse { Job = Job("running") });

        public override Task<CancelJobResponse> CancelJob(CancelJobRequest request, ServerCallContext context) => Task.FromResult(new CancelJobResponse { Job = Job("cancelled") });

        private static DeadLetter Letter(string tenant) => new()
        {
            Id = "01890000-0000-7000-8000-000000000002",
            Tenant = tenant,
            Log = 1,
            Position = 42,
            EventId = "377a14be-f301-532d-8efb-adfe5b0fcfd5",
            Type = "messages.upsert",
            State = State.Open,
            Category = "poison",
            Error = "PoisonException",
            Message = "No group.",
            Step = "read",
            Attempts = 1,
            DeadAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddDays(20_000)),
        };

        private static ReplayJob Job(string state) => new() { JobId = "01890000-0000-7000-8000-000000000001", State = state, Matched = 2, Reason = "fixed", RequestedBy = "acme-operator" };
    }

    private sealed class FakeAccountService(FakeServices services) : Account.AccountBase
    {
        public override Task<GetAuditResponse> GetAudit(GetAuditRequest request, ServerCallContext context)
        {
            var app = context.RequestHeaders.GetValue("dapr-app-id")!;
            return Task.FromResult(new GetAuditResponse
            {
                Service = app,
                Logs = { services.Audit(app, request.Heads[1]) },
                Rebuild = new Rebuild { IsComplete = true },
            });
        }
    }

    private sealed class FakePrivacyService : Privacy.V1.Privacy.PrivacyBase
    {
        // The lake needs two calls; the others want what it answered.
        public override Task<EraseResponse> Erase(EraseRequest request, ServerCallContext context)
        {
            if (context.RequestHeaders.GetValue("dapr-app-id") != "ingest")
                return Task.FromResult(new EraseResponse { Rows = { ["facts"] = request.Heads[1] } });
            return Task.FromResult(request.PageToken.Length == 0
                ? new EraseResponse { Rows = { ["whatsapp_events"] = 2 }, NextPageToken = "more" }
                : new EraseResponse { Rows = { ["whatsapp_events"] = 3 }, Heads = { [1] = 100 }, Usernames = { "ana.souza_7" } });
        }
    }
}
