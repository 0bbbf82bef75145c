using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Bench;

/// <summary>Figures of one contender with one number of workers.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Workers">Processes, or loops of the plain contender.</param>
/// <param name="DoneBefore">Jobs that were done when it began.</param>
/// <param name="ClaimsPerSecond">Jobs claimed per second.</param>
/// <param name="SendsPerSecond">Messages the broker took per second; null where nothing is sent.</param>
/// <param name="Doubled">Keys that the broker sent more than once.</param>
internal sealed record DispatchFigures(string Name, int Workers, long DoneBefore, double ClaimsPerSecond, double? SendsPerSecond, int Doubled);

/// <summary>What <c>./mesh bench dispatch --json</c> prints.</summary>
/// <param name="Figures">All contenders.</param>
/// <param name="ShareOfPlainClaims">By workers: dispatch's claims per second, each with its send, over those of the plain loop without one.</param>
/// <param name="ShareOfPlainSends">By workers: dispatch's sends per second over those of the plain loop.</param>
internal sealed record DispatchBenchAnswer(
    IReadOnlyList<DispatchFigures> Figures, IReadOnlyDictionary<int, double> ShareOfPlainClaims, IReadOnlyDictionary<int, double> ShareOfPlainSends);

/// <summary>
/// Measures dispatch over 100,000 due jobs, from the claim to the broker's answer, beside a plain loop in the same run, on the same database:
/// one job per transaction with FOR UPDATE SKIP LOCKED, without claims, leases, fences, attempts or a sidecar.
/// </summary>
internal sealed class DispatchBench(BenchPlace place, TimeSpan duration, Screen screen)
{
    private const int Jobs = 100_000;
    private const int Instances = 8;
    private const string Dispatch = "dispatch";
    private static readonly int[] Workers = [1, 2, 8];
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(3);

    private readonly List<DispatchFigures> _figures = [];

    public async Task<DispatchBenchAnswer> RunAsync(CancellationToken cancellationToken)
    {
        var environment = new Dictionary<string, IReadOnlyDictionary<string, string>>
        {
            [Dispatch] = new Dictionary<string, string> { ["Dispatch__Sending__RatePerSecond"] = "0", ["Deliveries__Pull"] = "false" },
        };
        await using var mesh = await place.StartAsync(Dispatch, environment, screen, cancellationToken, new Dictionary<string, int> { [Dispatch] = Workers[^1] });
        await using var database = mesh.Databases.Open(Dispatch);
        using var broker = new HttpClient { BaseAddress = mesh.BrokerAddress };
        foreach (var workers in Workers)
        {
            await PlainAsync(database, workers, null, cancellationToken);
            await PlainAsync(database, workers, (broker, mesh.Secrets.BrokerApiKey), cancellationToken);
            await DispatchAsync(mesh, database, broker, workers, 0, cancellationToken);
        }

        await DispatchAsync(mesh, database, broker, Workers[^1], 2 * Jobs, cancellationToken);
        return new DispatchBenchAnswer(_figures, Share(static f => f.ClaimsPerSecond, "claims only"), Share(static f => f.SendsPerSecond!.Value, "with its send"));
    }

    private Dictionary<int, double> Share(Func<DispatchFigures, double> figure, string plain) => Workers.ToDictionary(
        static workers => workers,
        workers => figure(_figures.First(f => f.Name == Dispatch && f.Workers == workers)) / figure(_figures.First(f => f.Name.EndsWith(plain, StringComparison.Ordinal) && f.Workers == workers)));

    private async Task DispatchAsync(MeshInstance mesh, NpgsqlDataSource database, HttpClient broker, int workers, int done, CancellationToken cancellationToken)
    {
        var processes = mesh.Services.Where(s => s.App.AppId == Dispatch).Select(s => mesh.Process(s.Name)).ToList();
        processes.ForEach(static p => p.Pause());
        await FillAsync(database, done, cancellationToken);
        await broker.DeleteAsync("/sim/sends", cancellationToken);
        processes.Take(workers).ToList().ForEach(static p => p.Resume());
        try
        {
            await Task.Delay(WarmUp, cancellationToken);
            var before = await LookAsync(database, broker, cancellationToken);
            await screen.WorkAsync(Text($"dispatch, {workers} workers, {done} done before, {duration.TotalSeconds} s"), async _ =>
            {
                await Task.Delay(duration, cancellationToken);
                return true;
            });
            var after = await LookAsync(database, broker, cancellationToken);
            var seconds = Stopwatch.GetElapsedTime(before.At, after.At).TotalSeconds;
            _figures.Add(new DispatchFigures(Dispatch, workers, done, (after.Claimed - before.Claimed) / seconds, (after.Sent - before.Sent) / seconds, after.Doubled));
        }
        finally
        {
            // What is under way ends before the table is filled anew.
            await ExecuteAsync(database, "update jobs set status = 'cancelled', finished_at = now() where id = any(array(select id from jobs where status = 'pending' for update skip locked))", cancellationToken);
            await Task.Delay(WarmUp, cancellationToken);
            processes.ForEach(static p => p.Resume());
        }
    }

    /// <summary>The plain loop: claim, and with a broker also the send and its result, each in a transaction of its own.</summary>
    private async Task PlainAsync(NpgsqlDataSource database, int workers, (HttpClient Client, string Key)? broker, CancellationToken cancellationToken)
    {
        await ExecuteAsync(
            database,
            $"""
            drop table if exists plain_jobs;
            create table plain_jobs (id uuid primary key, instance_id text not null, status text not null, due_at timestamptz not null, message jsonb not null);
            create index on plain_jobs (due_at) where status = 'pending';
            insert into plain_jobs select gen_random_uuid(), 'plain-' || i % {Instances}, 'pending', now(), '{Message}' from generate_series(1, {Jobs}) i;
            analyze plain_jobs
            """,
            cancellationToken);
        var name = broker is null ? "plain loop, claims only" : "plain loop, with its send";
        var claimed = 0;
        var clock = Stopwatch.StartNew();
        await screen.WorkAsync(Text($"{name}, {workers} workers, {duration.TotalSeconds} s"), async _ =>
        {
            await Task.WhenAll(Enumerable.Range(0, workers).Select(_ => Task.Run(LoopAsync, cancellationToken)));
            return true;
        });
        var rate = claimed / clock.Elapsed.TotalSeconds;
        _figures.Add(new DispatchFigures(name, workers, 0, rate, broker is null ? null : rate, 0));

        async Task LoopAsync()
        {
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            await using var claim = new NpgsqlCommand(
                """
                update plain_jobs set status = 'processing' where id = (
                    select id from plain_jobs where status = 'pending' order by due_at limit 1 for update skip locked) returning id, instance_id
                """,
                connection);
            while (clock.Elapsed < duration)
            {
                (Guid Id, string Instance)? job = null;
                await using (var row = await claim.ExecuteReaderAsync(cancellationToken))
                {
                    if (await row.ReadAsync(cancellationToken))
                        job = (row.GetGuid(0), row.GetString(1));
                }

                if (job is not { } found)
                    return;
                if (broker is { } target)
                    await SendAsync(connection, target, found.Id, found.Instance, cancellationToken);
                Interlocked.Increment(ref claimed);
            }
        }
    }

    private static async Task SendAsync(NpgsqlConnection connection, (HttpClient Client, string Key) broker, Guid id, string instance, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/instances/{instance}/send-text")
        {
            Content = JsonContent.Create(new { sessionId = instance, to = "12025550103", type = "text", message = "Oi" }),
            Headers = { { "X-API-Key", broker.Key }, { "Idempotency-Key", id.ToString() } },
        };
        using var response = await broker.Client.SendAsync(request, cancellationToken);
        response.EnsureSuccessStatusCode();
        await using var done = new NpgsqlCommand("update plain_jobs set status = 'sent' where id = $1", connection) { Parameters = { new() { Value = id } } };
        await done.ExecuteNonQueryAsync(cancellationToken);
    }

    private const string Message = """{"type":"text","to":"12025550103","content":"Oi"}""";

    private static async Task FillAsync(NpgsqlDataSource database, int done, CancellationToken cancellationToken) => await ExecuteAsync(
        database,
        $"""
        truncate jobs cascade;
        insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at, finished_at)
        select id, 'bench', 'bench:' || id, encode(sha256(convert_to('bench:' || id, 'UTF8')), 'hex'), 'direct', 'direct', 'x', 'bench-' || i % {Instances}, '{Message}', '{"{}"}',
               case when i > {done} then 'pending' else 'sent' end, now(), now(), now(), now(), case when i <= {done} then now() end
        from (select gen_random_uuid() as id, i from generate_series(1, {Jobs + done}) i) made;
        analyze jobs
        """,
        cancellationToken);

    private static async Task<(long At, long Claimed, long Sent, int Doubled)> LookAsync(NpgsqlDataSource database, HttpClient broker, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select count(*) from attempts");
        var claimed = (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        using var counts = await JsonDocument.ParseAsync(await broker.GetStreamAsync("/sim/counts", cancellationToken), cancellationToken: cancellationToken);
        return (Stopwatch.GetTimestamp(), claimed, counts.RootElement.GetProperty("sent").GetInt64(), counts.RootElement.GetProperty("doubled").GetInt32());
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
