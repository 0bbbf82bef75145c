using System.Net;
using System.Net.Sockets;
using Npgsql;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>A connection to the database that has died without a word: a firewall forgot it, a host lost its power.</summary>
public sealed class HalfOpenConnectionTests : IAsyncLifetime
{
    private const string Body = """{"type":"messages.upsert","payload":{}}""";

    private TestDatabase? _database;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database!.DisposeAsync();

    [Fact]
    public async Task A_writer_whose_connection_is_dead_answers_503_and_goes_on_over_another()
    {
        var server = new NpgsqlConnectionStringBuilder(_database!.ConnectionString);
        await using var wire = new Wire(server.Host!, server.Port);
        var through = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Host = "127.0.0.1", Port = wire.Port };
        await using var ingest = await IngestUnderTest.StartAsync(through.ConnectionString);
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);

        wire.Mute();
        var id = Guid.NewGuid().ToString();
        var (status, answer) = await ingest.PostV2Async(id, Body);

        Assert.Equal(503, status);
        Assert.Contains("\"unavailable\"", answer, StringComparison.Ordinal);
        // Connections of before are never heard of again; the event that was in doubt is sent again, and is there once. What they had locked
        // is free when the server ends the transactions in which nothing happens.
        await Eventually.TrueAsync(async () => (await ingest.PostV2Async(id, Body)).Status == 201, "the next connection carries the event", TimeSpan.FromSeconds(90));
        Assert.Equal(2, await _database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }

    /// <summary>Carries bytes to a server until it is muted: what it carried by then hangs for ever, and new connections work.</summary>
    private sealed class Wire : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _over = new();
        private readonly Task _accepting;
        private CancellationTokenSource _talk = new();

        public Wire(string host, int port)
        {
            _listener.Start();
            Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            _accepting = AcceptAsync(host, port);
        }

        public int Port { get; }

        public void Mute() => Interlocked.Exchange(ref _talk, new CancellationTokenSource()).Cancel();

        public async ValueTask DisposeAsync()
        {
            await _over.CancelAsync();
            Mute();
            _listener.Stop();
            await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task AcceptAsync(string host, int port)
        {
            List<Task> calls = [];
            while (!_over.IsCancellationRequested)
            {
                var client = await _listener.AcceptTcpClientAsync(_over.Token);
                calls.Add(CarryAsync(client, host, port, _talk.Token));
            }
            await Task.WhenAll(calls);
        }

        private async Task CarryAsync(TcpClient client, string host, int port, CancellationToken muted)
        {
            using var server = new TcpClient();
            using (client)
            {
                await server.ConnectAsync(host, port, _over.Token);
                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream(), muted), server.GetStream().CopyToAsync(client.GetStream(), muted));
                // A muted wire keeps both ends open and says nothing more, to nobody.
                if (muted.IsCancellationRequested)
                    await Task.Delay(Timeout.Infinite, _over.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
