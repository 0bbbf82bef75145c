using Npgsql;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class TransientFailureTests
{
    [Fact]
    public async Task A_connection_killed_between_handler_and_commit_leaves_nothing_and_is_retried()
    {
        await using var world = await World.CreateAsync();
        var kills = 0;
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            After = async transaction =>
            {
                if (Interlocked.Increment(ref kills) > 3)
                    return;
                await world.ExecuteAsync($"select pg_terminate_backend({transaction.Connection!.ProcessID})");
            },
        });

        var statuses = await replica.DeliverAsync(Envelopes.Range(1, 2));

        Assert.Equal(["RETRY", "RETRY"], statuses);
        Assert.Equal("", await world.EffectsAsync());
        Assert.Equal("transient transient", await world.QueryAsync<string>("select string_agg(category, ' ') from deliveries.failures"));
        Assert.Equal(["SUCCESS", "SUCCESS"], await replica.DeliverAsync(Envelopes.Range(1, 2)));
        Assert.Equal("1 2", await world.EffectsAsync());
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.dead_letters"));
    }

    [Fact]
    public async Task One_killed_connection_costs_a_batch_nothing_but_time()
    {
        await using var world = await World.CreateAsync();
        var kills = 0;
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            After = transaction => Interlocked.Increment(ref kills) == 1
                ? world.ExecuteAsync($"select pg_terminate_backend({transaction.Connection!.ProcessID})")
                : Task.CompletedTask,
        });

        Assert.All(await replica.DeliverAsync(Envelopes.Range(1, 20)), static status => Assert.Equal("SUCCESS", status));
        Assert.Equal("{[1,21)}", await world.AccountAsync());
        Assert.Equal(20, await world.QueryAsync<long>("select count(*) from effects"));
    }

    [Fact]
    public async Task A_deadlock_is_retried_and_not_dead_lettered()
    {
        await using var world = await World.CreateAsync();
        await world.ExecuteAsync("create table shared (id int primary key); insert into shared values (1), (2); alter database " + world.Name + " set deadlock_timeout = '100ms'");
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            Before = async (_, transaction) =>
            {
                // Somebody else takes the two rows in the other order.
                await LockAsync(transaction, 1);
                await using var other = await world.Sql.OpenConnectionAsync();
                await using var others = await other.BeginTransactionAsync();
                await using (var stay = new NpgsqlCommand("set local deadlock_timeout = '1h'", other, others))
                    await stay.ExecuteNonQueryAsync();
                await LockAsync(others, 2);
                var blocked = LockAsync(others, 1);
                await World.UntilAsync(() => world.QueryAsync<bool>($"select exists (select from pg_stat_activity where pid = {other.ProcessID} and wait_event_type = 'Lock')"), true);
                try
                {
                    await LockAsync(transaction, 2);
                }
                finally
                {
                    await transaction.RollbackAsync();
                    await blocked;
                }
            },
        });

        Assert.Equal(["RETRY"], await replica.DeliverAsync(Envelopes.Of(1)));

        Assert.Equal("transient", await world.QueryAsync<string>("select category from deliveries.failures where message like '40P01%'"));
        replica.Handler.Before = null;
        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(1)));
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.dead_letters"));
    }

    [Fact]
    public async Task An_account_that_stays_locked_is_waited_for_and_then_retried()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, ("Deliveries:LockTimeout", "00:00:00.2"));
        await replica.DeliverAsync(Envelopes.Of(1));
        await using (var holder = await world.Sql.OpenConnectionAsync())
        await using (var transaction = await holder.BeginTransactionAsync())
        {
            await using var command = new NpgsqlCommand("select from deliveries.account for update", holder, transaction);
            await command.ExecuteNonQueryAsync();

            Assert.Equal(["RETRY", "RETRY"], await replica.DeliverAsync(Envelopes.Range(2, 3)));
        }

        Assert.Equal("55P03 account", await world.QueryAsync<string>("select left(message, 5) || ' ' || step from deliveries.failures where position = 2"));
        Assert.Equal(["SUCCESS", "SUCCESS"], await replica.DeliverAsync(Envelopes.Range(2, 3)));
    }

    [Fact]
    public async Task A_failure_that_cannot_be_recorded_does_not_hide_the_failure()
    {
        await using var world = await World.CreateAsync();
        await world.ExecuteAsync("alter table deliveries.failures rename to failures_away");
        var replica = await world.StartReplicaAsync();

        Assert.Equal(["DROP", "SUCCESS"], await replica.DeliverAsync(Envelopes.Of(1, TestHandler.PoisonType), Envelopes.Of(2)));
    }

    [Fact]
    public async Task An_event_that_always_times_out_does_not_hold_up_its_neighbours()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            Before = static (value, _) => value.Position == 7 ? throw new TimeoutException() : Task.CompletedTask,
        });

        var statuses = await replica.DeliverAsync(Envelopes.Range(1, 16));

        Assert.Equal("RETRY", statuses[6]);
        Assert.Equal(15, statuses.Count(static status => status == "SUCCESS"));
    }

    private static async Task LockAsync(NpgsqlTransaction transaction, int id)
    {
        await using var command = new NpgsqlCommand($"select from shared where id = {id} for update", transaction.Connection, transaction);
        await command.ExecuteNonQueryAsync();
    }
}
