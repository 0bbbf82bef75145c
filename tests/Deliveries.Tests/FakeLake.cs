using System.Collections.Concurrent;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>A lake in memory that speaks real gRPC over a real h2c port, where a consumer expects its sidecar.</summary>
internal sealed class FakeLake : Lake.LakeBase, IAsyncDisposable
{
    private readonly ConcurrentDictionary<(int Log, long Position), CollectedEvent> _events = new();
    private readonly ConcurrentDictionary<int, long> _oldest = new();
    private WebApplication? _app;

    public Uri Address { get; private set; } = null!;

    /// <summary>Metadata of the last request.</summary>
    public Metadata LastHeaders { get; private set; } = [];

    public int Requests;

    /// <summary>Awaited before each event is sent.</summary>
    public Func<CollectedEvent, Task>? Before { get; set; }

    public static async Task<FakeLake> StartAsync()
    {
        var lake = new FakeLake();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(lake);
        lake._app = builder.Build();
        lake._app.MapGrpcService<FakeLake>();
        await lake._app.StartAsync();
        lake.Address = new Uri(lake._app.Urls.Single());
        return lake;
    }

    public void Add(params IEnumerable<CollectedEvent> events)
    {
        foreach (var value in events)
            _events[(value.Log, value.Position)] = value;
    }

    /// <summary>Requests that appended.</summary>
    public ConcurrentQueue<AppendRequest> Appends { get; } = new();

    /// <summary>Appends at the end of log 1, each id once, as the lake does.</summary>
    public override Task<AppendResponse> Append(AppendRequest request, ServerCallContext context)
    {
        Appends.Enqueue(request);
        var response = new AppendResponse();
        foreach (var derived in request.Events)
        {
            var known = _events.Values.FirstOrDefault(one => one.EventId == derived.EventId);
            var position = known?.Position ?? _events.Keys.Where(static key => key.Log == 1).Max(static key => key.Position) + 1;
            if (known is null)
            {
                Add(new CollectedEvent
                {
                    Log = 1, Position = position, Tenant = derived.Tenant, Source = $"service:{request.Service}", EventId = derived.EventId,
                    Type = derived.Type, OccurredAt = derived.OccurredAt, ReceivedAt = derived.OccurredAt, PayloadJson = derived.PayloadJson,
                });
            }

            response.Results.Add(new AppendResult { Appended = known is null, Log = 1, Position = position });
        }

        return Task.FromResult(response);
    }

    /// <summary>The event at a position.</summary>
    public CollectedEvent At(long position, int log = 1) => _events[(log, position)];

    /// <summary>Retention: positions below <paramref name="oldest"/> are gone.</summary>
    public void RetireBelow(int log, long oldest) => _oldest[log] = oldest;

    public override Task<GetHeadsResponse> GetHeads(GetHeadsRequest request, ServerCallContext context)
    {
        LastHeaders = context.RequestHeaders;
        Interlocked.Increment(ref Requests);
        var response = new GetHeadsResponse();
        foreach (var log in _events.Keys.GroupBy(static key => key.Log).OrderBy(static log => log.Key))
            response.Heads.Add(new LogHead { Log = log.Key, Oldest = _oldest.GetValueOrDefault(log.Key, 1), Newest = log.Max(static key => key.Position) });
        return Task.FromResult(response);
    }

    public override async Task GetEventsAt(GetEventsAtRequest request, IServerStreamWriter<GetEventsAtResponse> responseStream, ServerCallContext context)
    {
        LastHeaders = context.RequestHeaders;
        foreach (var range in request.Ranges)
        {
            var oldest = _oldest.GetValueOrDefault(range.Log, 1);
            if (range.From < oldest)
                await responseStream.WriteAsync(new() { Retired = new() { Log = range.Log, From = range.From, To = Math.Min(range.To, oldest - 1) } });
            for (var position = Math.Max(range.From, oldest); position <= range.To; position++)
            {
                if (!_events.TryGetValue((range.Log, position), out var value))
                    continue;
                if (Before is { } before)
                    await before(value);
                await responseStream.WriteAsync(new() { Event = value });
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
    }
}
