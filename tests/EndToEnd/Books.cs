using Npgsql;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Counts in the databases themselves, past every cache and API.</summary>
public static class Books
{
    /// <summary>Waits until a consumer's account covers every position of the log.</summary>
    public static async Task SettledAsync(MeshInstance mesh, string consumer = "membership")
    {
        var missing = await Eventually.AskAsync(() => MissingAsync(mesh, consumer), positions => positions == 0, MeshUnderTest.Patience);
        Assert.Equal(0, missing);
    }

    /// <summary>Waits until nothing is on its way: each event accounted for, each join that follows announced, and the announcements accounted for too.</summary>
    public static async Task QuietAsync(MeshInstance mesh)
    {
        await SettledAsync(mesh);
        Assert.Equal(0, await Eventually.AskAsync(
            () => NumberAsync(mesh, "membership", "select count(*) from member_joins where state = 'pending'"), static waiting => waiting == 0, MeshUnderTest.Patience));
        await SettledAsync(mesh);
        await SettledAsync(mesh, "dispatch");
    }

    /// <summary>Newest position of the log.</summary>
    public static Task<long> HeadAsync(MeshInstance mesh) => NumberAsync(mesh, "ingest", "select coalesce(max(position), 0) from head");

    /// <summary>Positions up to the log's head that a consumer has not accounted for.</summary>
    public static async Task<long> MissingAsync(MeshInstance mesh, string consumer = "membership")
    {
        var head = await HeadAsync(mesh);
        return await NumberAsync(
            mesh,
            consumer,
            """
            with missing as (
                select range_merge('[1,1]'::int8range, int8range(1, $1, '[]')) as wanted,
                       coalesce((select done from deliveries.account where log = 1), '{}') as done)
            select coalesce(sum(upper(r) - lower(r)), 0)::bigint from missing, unnest(int8multirange(wanted) - done) r
            """,
            Math.Max(head, 1));
    }

    /// <summary>One number from an owner's database.</summary>
    public static async Task<long> NumberAsync(MeshInstance mesh, string owner, string sql, params object[] values)
    {
        await using var connection = new NpgsqlConnection(mesh.Databases.ConnectionString(owner));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Runs a statement in an owner's database.</summary>
    public static async Task ExecuteAsync(MeshInstance mesh, string owner, string sql)
    {
        await using var connection = new NpgsqlConnection(mesh.Databases.ConnectionString(owner));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
