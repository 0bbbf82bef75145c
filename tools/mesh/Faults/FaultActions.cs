using System.Globalization;
using Npgsql;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>Brings faults about and takes them away again, whatever happens in between.</summary>
/// <param name="mesh">Whose processes.</param>
/// <param name="volume">The database's volume; null when it cannot be filled.</param>
public sealed class FaultActions(MeshInstance mesh, SmallVolume? volume)
{
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(30);

    // More than PostgreSQL keeps with the settings of these meshes.
    private const int LogFiles = 40;

    /// <summary>Whether a fault can be brought about here: those of the database need a cluster of the mesh's own.</summary>
    public bool IsPossible(FaultKind kind) => kind switch
    {
        FaultKind.Kill or FaultKind.Pause or FaultKind.Restart or FaultKind.LockHead => true,
        FaultKind.FillDisk or FaultKind.FillLog => volume is not null,
        _ => mesh.Databases.Cluster is not null,
    };

    /// <summary>Brings one about and returns when it is over: the process runs again, the database may work again.</summary>
    /// <returns>What is worth telling about it; empty when nothing is.</returns>
    /// <exception cref="MeshException">A process or the database could not be started again.</exception>
    public Task<string> RunAsync(PlannedFault fault, CancellationToken cancellationToken) => fault.Kind switch
    {
        FaultKind.Kill => KillAsync(fault),
        FaultKind.Pause => PauseAsync(fault, cancellationToken),
        FaultKind.Restart => RestartAsync(fault),
        FaultKind.KillBackends => KillBackendsAsync(),
        FaultKind.CrashDatabase => CrashDatabaseAsync(fault, cancellationToken),
        FaultKind.PauseDatabase => PauseDatabaseAsync(fault, cancellationToken),
        FaultKind.LockHead => LockHeadAsync(fault, cancellationToken),
        FaultKind.FillDisk => FillDiskAsync(fault, _ => Task.CompletedTask, cancellationToken),
        FaultKind.FillLog => FillDiskAsync(fault, UseUpLogAsync, cancellationToken),
        FaultKind.PowerCut => CutPowerAsync(fault, cancellationToken),
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Kind, null),
    };

    private async Task<string> KillAsync(PlannedFault fault)
    {
        var process = mesh.Process(fault.Target);
        await process.KillAsync();
        mesh.StartAgain(process);
        return "";
    }

    private async Task<string> PauseAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var process = mesh.Process(fault.Target);
        process.Pause();
        try
        {
            await Task.Delay(fault.Lasting, cancellationToken);
        }
        finally
        {
            process.Resume();
        }
        return "";
    }

    private async Task<string> RestartAsync(PlannedFault fault)
    {
        var process = mesh.Process(fault.Target);
        var inOrder = await process.StopAsync(StopPatience);
        mesh.StartAgain(process);
        return inOrder ? "" : string.Create(CultureInfo.InvariantCulture, $"did not stop within {StopPatience.TotalSeconds} s and was ended");
    }

    private Task<string> KillBackendsAsync()
    {
        foreach (var backend in mesh.Databases.ServerProcess!.Children())
            backend.Send(Signal.Kill);
        return Task.FromResult("");
    }

    private async Task<string> CrashDatabaseAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        await mesh.Databases.Cluster!.StopAsync("immediate", cancellationToken);
        try
        {
            await Task.Delay(fault.Lasting, cancellationToken);
        }
        finally
        {
            await mesh.Databases.StartServerAgainAsync(CancellationToken.None);
        }
        return "";
    }

    private async Task<string> PauseDatabaseAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        var server = mesh.Databases.ServerProcess!;
        var held = server.Children().Append(server).ToList();
        try
        {
            held.ForEach(process => process.Send(Signal.Stop));
            await Task.Delay(fault.Lasting, cancellationToken);
        }
        finally
        {
            held.ForEach(process => process.Send(Signal.Continue));
        }
        return "";
    }

    private async Task<string> LockHeadAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        // Closing the connection is letting the lock go.
        await using var connection = await OpenAsync("ingest", cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var take = new NpgsqlCommand("select from head for update", connection, transaction);
        await take.ExecuteNonQueryAsync(cancellationToken);
        await Task.Delay(fault.Lasting, cancellationToken);
        return "";
    }

    private async Task<string> FillDiskAsync(PlannedFault fault, Func<CancellationToken, Task> meanwhile, CancellationToken cancellationToken)
    {
        await volume!.FillAsync();
        try
        {
            await meanwhile(cancellationToken);
            await Task.Delay(fault.Lasting, cancellationToken);
        }
        finally
        {
            await volume.FreeAsync();
        }
        return "";
    }

    // PostgreSQL keeps some files of its log in advance: the load alone would take minutes to use them up.
    private async Task UseUpLogAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync("ingest", cancellationToken);
            for (var i = 0; i < LogFiles; i++)
            {
                await using var next = new NpgsqlCommand("select pg_logical_emit_message(true, 'faults', 'x'), pg_switch_wal()", connection);
                await next.ExecuteNonQueryAsync(cancellationToken);
            }
        }
        catch (NpgsqlException)
        {
            // There was no next one.
        }
    }

    private async Task<string> CutPowerAsync(PlannedFault fault, CancellationToken cancellationToken)
    {
        // The broker is somebody else's machine.
        var running = mesh.Services.SelectMany(s => new[] { s.Name, s.SidecarName }).Select(mesh.Process).Where(process => process.IsRunning).ToList();
        await Task.WhenAll(running.Select(process => process.KillAsync()).Append(mesh.Databases.Cluster!.StopAsync("immediate", cancellationToken)));
        try
        {
            running.ForEach(mesh.StartAgain);
            await Task.Delay(fault.Lasting, cancellationToken);
        }
        finally
        {
            await mesh.Databases.StartServerAgainAsync(CancellationToken.None);
        }
        return "";
    }

    private async Task<NpgsqlConnection> OpenAsync(string owner, CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(mesh.Databases.ConnectionString(owner)) { Pooling = false }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }
}
