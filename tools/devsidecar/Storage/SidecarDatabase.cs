using System.Reflection;
using Npgsql;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Storage;

/// <summary>The database all sidecars of a mesh share.</summary>
public sealed class SidecarDatabase : IAsyncDisposable
{
    /// <summary>Any number; sidecars of one mesh that start at once create the tables one after the other under it.</summary>
    private const long SchemaLock = 0x6461_7072_6473_6361;

    private readonly TimeProvider _time;

    /// <summary>Creates the pools; connects on first use.</summary>
    /// <exception cref="StartFailure">The connection string is none.</exception>
    public SidecarDatabase(SidecarSettings settings, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        _time = time;
        try
        {
            Durable = Build("daprd", settings.Database, "");
            Relaxed = Build("daprd.relaxed", settings.Database, " -c synchronous_commit=off");
        }
        catch (ArgumentException exception)
        {
            throw new StartFailure($"DEVSIDECAR_DATABASE is not an Npgsql connection string: {exception.Message}", exception);
        }
    }

    /// <summary>Commits are on disk when they return.</summary>
    public NpgsqlDataSource Durable { get; }

    /// <summary>
    /// Commits return before they are on disk; a crash of the server may lose the last of them, never one out of order.
    /// For what may safely happen again: claims and settlements of deliveries.
    /// </summary>
    public NpgsqlDataSource Relaxed { get; }

    /// <summary>Creates what is missing of the tables; safe with several sidecars starting at once.</summary>
    /// <exception cref="StartFailure">The database cannot be reached or refuses.</exception>
    public async Task EnsureSchemaAsync(CancellationToken cancellationToken)
    {
        var deadline = _time.GetUtcNow() + TimeSpan.FromSeconds(30);
        while (true)
        {
            try
            {
                await CreateTablesAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient && _time.GetUtcNow() < deadline)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), _time, cancellationToken);
            }
            catch (NpgsqlException exception)
            {
                throw new StartFailure($"The sidecar database cannot be used: {exception.Message}", exception);
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await Durable.DisposeAsync();
        await Relaxed.DisposeAsync();
    }

    private async Task CreateTablesAsync(CancellationToken cancellationToken)
    {
        await using var connection = await Durable.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var locking = new NpgsqlCommand("select pg_advisory_xact_lock($1)", connection, transaction) { Parameters = { new() { Value = SchemaLock } } })
            await locking.ExecuteNonQueryAsync(cancellationToken);
        foreach (var script in ReadScripts())
        {
            await using var create = new NpgsqlCommand(script, connection, transaction);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }

        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Every Storage/*.sql; each only creates what is missing.</summary>
    private static IEnumerable<string> ReadScripts()
    {
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var name in assembly.GetManifestResourceNames().Where(name => name.StartsWith("schema/", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            yield return reader.ReadToEnd();
        }
    }

    private static NpgsqlDataSource Build(string name, string connectionString, string options)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        // Every statement here goes by a key. While the tables are young their statistics say that a scan is cheaper, which is soon
        // very wrong; and JIT costs more than such statements take.
        builder.Options = $"{builder.Options} -c jit=off -c enable_seqscan=off{options}".Trim();
        builder.ApplicationName ??= "daprd";
        if (!connectionString.Contains("Pool Size", StringComparison.OrdinalIgnoreCase))
            builder.MaxPoolSize = 8;
        // The same few statements for ever, and bulk saves send one per item: parsed and planned once a connection, not once each.
        if (!connectionString.Contains("Auto Prepare", StringComparison.OrdinalIgnoreCase))
            (builder.MaxAutoPrepare, builder.AutoPrepareMinUsages) = (64, 2);
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = name }.Build();
    }
}
