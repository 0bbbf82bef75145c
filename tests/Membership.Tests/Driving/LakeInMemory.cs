using Grpc.Core;
using Google.Protobuf.WellKnownTypes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>A lake in memory that speaks real gRPC over a real h2c port, where the service expects its sidecar.</summary>
public sealed class LakeInMemory : Lake.LakeBase, IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<CollectedEvent> _events = [];
    private WebApplication? _app;

    public Uri Address { get; private set; } = null!;

    /// <summary>Awaited before each event is sent.</summary>
    public Func<CollectedEvent, Task>? Before { get; set; }

    public static async Task<LakeInMemory> StartAsync()
    {
        var lake = new LakeInMemory();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(lake);
        lake._app = builder.Build();
        lake._app.MapGrpcService<LakeInMemory>();
        await lake._app.StartAsync();
        lake.Address = new Uri(lake._app.Urls.Single());
        return lake;
    }

    /// <summary>Logs events at the next positions.</summary>
    public void Add(params IEnumerable<CollectedEvent> events)
    {
        lock (_lock)
        {
            foreach (var one in events)
            {
                one.Position = _events.Count + 1;
                _events.Add(one);
            }
        }
    }

    /// <summary>Events of a type, in log order.</summary>
    public List<CollectedEvent> Of(string type)
    {
        lock (_lock)
            return [.. _events.Where(one => one.Type == type)];
    }

    public override Task<AppendResponse> Append(AppendRequest request, ServerCallContext context)
    {
        lock (_lock)
        {
            var response = new AppendResponse();
            foreach (var item in request.Events)
            {
                var known = _events.Find(one => one.EventId == item.EventId);
                var isNew = known is null;
                if (isNew)
                    Add(known = EventOf(item, request.Service));
                response.Results.Add(new AppendResult { Appended = isNew, Log = 1, Position = known!.Position });
            }
            return Task.FromResult(response);
        }
    }

    public override Task<GetHeadsResponse> GetHeads(GetHeadsRequest request, ServerCallContext context)
    {
        lock (_lock)
            return Task.FromResult(new GetHeadsResponse { Heads = { new LogHead { Log = 1, Oldest = 1, Newest = _events.Count } } });
    }

    public override async Task GetEventsAt(GetEventsAtRequest request, IServerStreamWriter<GetEventsAtResponse> responseStream, ServerCallContext context)
    {
        CollectedEvent[] events;
        lock (_lock)
            events = [.. _events];
        foreach (var range in request.Ranges)
        {
            for (var position = range.From; position <= Math.Min(range.To, events.Length); position++)
            {
                if (Before is { } before)
                    await before(events[position - 1]);
                await responseStream.WriteAsync(new GetEventsAtResponse { Event = events[position - 1] });
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }

    private static CollectedEvent EventOf(DerivedEvent item, string service) => new()
    {
        Log = 1,
        Tenant = item.Tenant,
        Source = $"service:{service}",
        EventId = item.EventId,
        Type = item.Type,
        ChatJid = item.ChatJid,
        ParticipantJid = item.ParticipantJid,
        ParticipantAlt = item.ParticipantAlt,
        OccurredAt = item.OccurredAt,
        OccurredAtSource = "occurred_at",
        ReceivedAt = Timestamp.FromDateTimeOffset(TimeProvider.System.GetUtcNow()),
        PayloadJson = item.PayloadJson,
    };
}
