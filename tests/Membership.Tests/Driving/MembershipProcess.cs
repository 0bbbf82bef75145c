using System.Diagnostics;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>The service itself: real Kestrel, real PostgreSQL, real gRPC; it pulls its events from a lake in memory.</summary>
public sealed class MembershipProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly GrpcChannel _channel;

    private MembershipProcess(WebApplication app, LakeInMemory lake)
    {
        _app = app;
        Lake = lake;
        _channel = GrpcChannel.ForAddress(app.BoundAddresses().App);
        Client = new V1.Membership.MembershipClient(_channel);
    }

    public LakeInMemory Lake { get; }

    public V1.Membership.MembershipClient Client { get; }

    public static async Task<MembershipProcess> StartAsync(TestDatabase database, LakeInMemory lake)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["DAPR_GRPC_ENDPOINT"] = lake.Address.ToString(),
            ["ConnectionStrings:Database"] = database.ConnectionString,
            ["Deliveries:PullInterval"] = "00:00:00.05",
            ["Deliveries:PullGrace"] = "00:00:00",
            ["Membership:JoinInterval"] = "00:00:00.05",
        });
        builder.AddMeshHosting("membership");
        builder.Logging.ClearProviders();
        builder.AddMembership();
        var app = builder.Build();
        app.MapMeshEndpoints();
        app.MapMembership();
        await app.StartAsync();
        return new MembershipProcess(app, lake);
    }

    /// <summary>Asks again until the answer is right; the last failure is thrown when patience ends.</summary>
    public static async Task EventuallyAsync(Func<Task> check)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await check();
                return;
            }
            catch (Exception) when (Stopwatch.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(20);
            }
        }
    }

    /// <summary>The same for a check that waits for nothing itself.</summary>
    public static Task EventuallyAsync(Action check) => EventuallyAsync(() =>
    {
        check();
        return Task.CompletedTask;
    });

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
