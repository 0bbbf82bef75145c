using System.Diagnostics;
using Npgsql;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Bench;

/// <summary>Measures how fast membership accounts for what ingest has logged, in the databases themselves.</summary>
internal sealed class AppliedWatch : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly NpgsqlDataSource _ingest;
    private readonly NpgsqlDataSource _membership;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public AppliedWatch(MeshInstance mesh)
    {
        _ingest = mesh.Databases.Open("ingest");
        _membership = mesh.Databases.Open("membership");
    }

    /// <summary>Waits until everything logged is accounted for, and gives positions per second since the watch began.</summary>
    /// <exception cref="MeshException">It is not within two minutes.</exception>
    public async Task<double> PerSecondAsync(CancellationToken cancellationToken)
    {
        var head = await NumberAsync(_ingest, "select coalesce(max(position), 0) from head", cancellationToken);
        var done = await Eventually.AskAsync(
            () => NumberAsync(_membership, "select coalesce(sum(upper(r) - lower(r)), 0)::bigint from deliveries.account, unnest(done) r", cancellationToken),
            d => d >= head, Patience, cancellationToken);
        return done >= head
            ? done / _clock.Elapsed.TotalSeconds
            : throw new MeshException($"Membership has accounted for {done} of {head} events {Patience.TotalMinutes} minutes after the load.", ExitCodes.Failed);
    }

    public async ValueTask DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _membership.DisposeAsync();
    }

    private static async Task<long> NumberAsync(NpgsqlDataSource database, string sql, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
