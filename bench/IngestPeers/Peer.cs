using System.Net;
using Npgsql;

namespace WhatsAppMesh.IngestPeers;

/// <summary>
/// The least that can be called durable ingest: a bare Kestrel that stores a body under its id and answers after the commit. No validation,
/// no order, no topic. What ingest costs beyond it is the price of its promises. <c>PEER_KIND</c> chooses how it commits.
/// </summary>
internal static class Peer
{
    private const string Table = "create table if not exists peer_events (id uuid primary key, received_at timestamptz not null, body text not null)";

    public static void AddPeer(this WebApplicationBuilder builder)
    {
        var port = builder.Configuration.GetValue<int>("HTTP_PORT");
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        builder.Services.AddSingleton(new NpgsqlDataSourceBuilder(builder.Configuration.GetConnectionString("Database")) { Name = "peer" }.Build());
        builder.Services.AddSingleton<IPeerStore>(services => builder.Configuration["PEER_KIND"] switch
        {
            "group-commit" => new GroupCommitStore(services.GetRequiredService<NpgsqlDataSource>()),
            "insert-per-request" => new InsertPerRequestStore(services.GetRequiredService<NpgsqlDataSource>()),
            var kind => throw new InvalidOperationException($"PEER_KIND is '{kind}': give group-commit or insert-per-request."),
        });
    }

    public static async Task RunPeerAsync(this WebApplication app)
    {
        await using (var create = app.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(Table))
            await create.ExecuteNonQueryAsync();
        var store = app.Services.GetRequiredService<IPeerStore>();
        app.MapGet("/healthz", static () => Results.NoContent());
        app.MapPost("/v2/events", context => StoreAsync(context, store));
        await app.RunAsync();
    }

    private static async Task StoreAsync(HttpContext context, IPeerStore store)
    {
        if (!Guid.TryParse(context.Request.Headers["X-Mesh-Event-Id"], out var id))
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }
        using var reader = new StreamReader(context.Request.Body);
        await store.StoreAsync(new PeerEvent(id, TimeProvider.System.GetUtcNow().UtcDateTime, await reader.ReadToEndAsync()));
        context.Response.StatusCode = StatusCodes.Status201Created;
        await context.Response.WriteAsync("{\"status\":\"stored\"}");
    }
}
