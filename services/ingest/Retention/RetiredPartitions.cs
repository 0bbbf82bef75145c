using Npgsql;

namespace WhatsAppMesh.Ingest;

/// <summary>Consecutive positions of one log, both ends included.</summary>
internal readonly record struct LogSpan(int Log, long From, long To);

/// <summary>
/// The statements that take a partition out of the lake, over the one session that holds retention's lock. What is to go is written down
/// first, so that a crash between DETACH and DROP leaves a table that the next round recognises, and never takes another one for it.
/// </summary>
internal sealed class RetiredPartitions(NpgsqlConnection session, RetentionOptions options)
{
    private const int IdsPerDelete = 50_000;

    private int Timeout => (int)Math.Ceiling(options.Patience.TotalSeconds);

    /// <summary>Every partition that is attached, oldest first.</summary>
    public async Task<List<LakeMonth>> AttachedAsync(CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = 'whatsapp_events'::regclass and not i.inhdetachpending order by c.relname
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var months = new List<LakeMonth>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (LakeMonth.OfTable(reader.GetString(0)) is { } month)
                months.Add(month);
        }
        return months;
    }

    /// <summary>The positions that a partition holds, as spans: imported events lie between those of other months.</summary>
    public async Task<List<LogSpan>> SpansAsync(LakeMonth month, CancellationToken cancellationToken)
    {
        await using var command = Command(
            $"""
            select log, min(position), max(position)
            from (select log, position, position - row_number() over (partition by log order by position) as island from {month.Table}) e
            group by log, island order by log, min(position)
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var spans = new List<LogSpan>();
        while (await reader.ReadAsync(cancellationToken))
            spans.Add(new LogSpan(reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2)));
        return spans;
    }

    /// <summary>True when the publisher's watermark is past all of the positions.</summary>
    public async Task<bool> ArePublishedAsync(IReadOnlyList<LogSpan> spans, CancellationToken cancellationToken)
    {
        await using var command = Command("select log, position from published");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var published = new Dictionary<int, long>();
        while (await reader.ReadAsync(cancellationToken))
            published.Add(reader.GetInt32(0), reader.GetInt64(1));
        return spans.All(span => span.To <= published.GetValueOrDefault(span.Log));
    }

    /// <summary>True when a partition holds as many events as were decided on: none ever leaves it, but an import may add to it.</summary>
    public async Task<bool> HoldsAsync(LakeMonth month, long decided, CancellationToken cancellationToken)
    {
        await using var command = Command($"select count(*) from {month.Table}");
        return (long)(await command.ExecuteScalarAsync(cancellationToken))! == decided;
    }

    /// <summary>
    /// Takes a partition out and drops it. Once it is out nobody writes to it: if it then holds more than was decided on, it goes back into
    /// the lake.
    /// </summary>
    /// <returns>False when it went back.</returns>
    public async Task<bool> RetireAsync(LakeMonth month, long events, CancellationToken cancellationToken)
    {
        // A month that an import brought back is dropped again: events then counts all that ever went.
        await using (var note = Command(
            """
            insert into retired_partitions (name, received_from, received_until, events, decided) values ($1, $2, $3, 0, $4)
            on conflict (name) do update set decided = excluded.decided, decided_at = now()
            """))
        {
            note.Parameters.Add(new() { Value = month.Table });
            note.Parameters.Add(new() { Value = month.Start.UtcDateTime });
            note.Parameters.Add(new() { Value = month.Next.Start.UtcDateTime });
            note.Parameters.Add(new() { Value = events });
            await note.ExecuteNonQueryAsync(cancellationToken);
        }
        await ExecuteAsync($"alter table whatsapp_events detach partition {month.Table} concurrently", cancellationToken);
        return await DropOrPutBackAsync(month, events, cancellationToken);
    }

    /// <summary>What was noted but not dropped: left by a crash, or by readers that outlasted the patience.</summary>
    /// <returns>Months that were finished now.</returns>
    public async Task<List<LakeMonth>> FinishAsync(CancellationToken cancellationToken)
    {
        var finished = new List<LakeMonth>();
        foreach (var (month, events, isThere, isAttached, isPending) in await LeftAsync(cancellationToken))
        {
            // Still a part of the lake: to be decided anew, for a replay may have reopened its positions. Without the note, for whoever
            // detaches it from now on wants to keep it.
            if (isAttached && !isPending)
            {
                await TakeBackNoteAsync(month, cancellationToken);
                continue;
            }
            if (isPending)
                await ExecuteAsync($"alter table whatsapp_events detach partition {month.Table} finalize", cancellationToken);
            if (!isThere)
                await NoteDroppedAsync(month, cancellationToken);
            else if (!await DropOrPutBackAsync(month, events, cancellationToken))
                continue;
            finished.Add(month);
        }
        return finished;
    }

    private async Task<List<(LakeMonth Month, long Events, bool IsThere, bool IsAttached, bool IsPending)>> LeftAsync(CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            select r.name, r.decided, to_regclass(r.name) is not null, i.inhrelid is not null, coalesce(i.inhdetachpending, false)
            from retired_partitions r left join pg_inherits i on i.inhrelid = to_regclass(r.name)
            where r.decided is not null order by r.name
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var left = new List<(LakeMonth, long, bool, bool, bool)>();
        while (await reader.ReadAsync(cancellationToken))
        {
            if (LakeMonth.OfTable(reader.GetString(0)) is { } month)
                left.Add((month, reader.GetInt64(1), reader.GetBoolean(2), reader.GetBoolean(3), reader.GetBoolean(4)));
        }
        return left;
    }

    private async Task<bool> DropOrPutBackAsync(LakeMonth month, long events, CancellationToken cancellationToken)
    {
        if (await HoldsAsync(month, events, cancellationToken))
        {
            await DropAsync(month, cancellationToken);
            return true;
        }
        await ExecuteAsync($"alter table whatsapp_events attach partition {month.Table} for values from ('{month.Bound}') to ('{month.Next.Bound}')", cancellationToken);
        await TakeBackNoteAsync(month, cancellationToken);
        return false;
    }

    private async Task DropAsync(LakeMonth month, CancellationToken cancellationToken)
    {
        if (options.ForgetIds)
            await ForgetIdsAsync(month, cancellationToken);
        await ExecuteAsync($"drop table {month.Table}", cancellationToken);
        // What readers of minimised tenants saw of it.
        await ExecuteAsync($"delete from minimised_events where received_at >= '{month.Bound}' and received_at < '{month.Next.Bound}'", cancellationToken);
        await NoteDroppedAsync(month, cancellationToken);
    }

    private async Task ForgetIdsAsync(LakeMonth month, CancellationToken cancellationToken)
    {
        foreach (var span in await SpansAsync(month, cancellationToken))
        {
            for (var from = span.From; from <= span.To; from += IdsPerDelete)
            {
                await using var command = Command(
                    $"""
                    delete from seen s using {month.Table} e
                    where e.log = $1 and e.position between $2 and $3
                        and s.tenant = e.tenant and s.event_id = e.event_id and s.log = e.log and s.position = e.position
                    """);
                command.Parameters.Add(new() { Value = span.Log });
                command.Parameters.Add(new() { Value = from });
                command.Parameters.Add(new() { Value = Math.Min(span.To, from + IdsPerDelete - 1) });
                await command.ExecuteNonQueryAsync(cancellationToken);
            }
        }
    }

    private Task NoteDroppedAsync(LakeMonth month, CancellationToken cancellationToken) =>
        ExecuteAsync($"update retired_partitions set events = events + decided, decided = null, dropped_at = now() where name = '{month.Table}'", cancellationToken);

    private Task TakeBackNoteAsync(LakeMonth month, CancellationToken cancellationToken) => ExecuteAsync(
        $"""
        delete from retired_partitions where name = '{month.Table}' and dropped_at is null;
        update retired_partitions set decided = null where name = '{month.Table}';
        """, cancellationToken);

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = Command(sql);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private NpgsqlCommand Command(string sql) => new(sql, session) { CommandTimeout = Timeout };
}
