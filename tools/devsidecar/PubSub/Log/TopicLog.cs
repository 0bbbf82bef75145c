using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.Storage;
using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.DevSidecar.PubSub.Log;

/// <summary>Appends messages to topics. Publications that come at the same time share one commit and one notification.</summary>
internal sealed class TopicLog : IAsyncDisposable
{
    /// <summary>Channel of the notifications; their payload is <c>topic:newest id</c>, several joined by commas.</summary>
    public const string NoticeChannel = "sidecar_topics";

    /// <summary>
    /// The heads are locked in the order of their ids, so that two sidecars never wait for each other. The second command has a snapshot
    /// of its own and sees what the previous holder of the lock committed.
    /// </summary>
    private const string LockHeads = "select from sidecar.topics where id = any($1) order by id for update";

    private const string Append = $"""
        with heads as (
            update sidecar.topics t set last = t.last + c.messages
            from unnest($1::int[], $2::bigint[]) c(topic, messages)
            where t.id = c.topic
            returning t.id, t.last, t.last - c.messages as before),
        stored as (
            insert into sidecar.messages (topic, id, traits, published_at, metadata, envelope)
            select h.id, h.before + m.place, m.traits, now(), m.metadata, m.envelope
            from unnest($3::int[], $4::bigint[], $5::smallint[], $6::text[], $7::bytea[]) m(topic, place, traits, metadata, envelope)
            join heads h on h.id = m.topic)
        select pg_notify('{NoticeChannel}', string_agg(id || ':' || last, ',')) from heads
        """;

    private readonly SidecarDatabase _database;
    private readonly GroupCommit<Publication, bool> _commits;
    private readonly ConcurrentDictionary<(string Component, string Topic), int> _topics = new();

    public TopicLog(SidecarDatabase database)
    {
        _database = database;
        _commits = new GroupCommit<Publication, bool>(CommitAsync, IsTransient, weight: publication => publication.Size);
    }

    private sealed record Publication(int Topic, IReadOnlyList<TopicMessage> Messages, long Size);

    /// <summary>Appends messages in their order; completes once they are on disk.</summary>
    /// <exception cref="NpgsqlException">The database did not take them; they may have been stored all the same when the connection broke.</exception>
    /// <exception cref="QueueFullException">Too many publications wait already.</exception>
    public async Task AppendAsync(string component, string topic, IReadOnlyList<TopicMessage> messages, CancellationToken cancellationToken)
    {
        var id = await TopicIdAsync(component, topic, cancellationToken);
        await _commits.SubmitAsync(new Publication(id, messages, messages.Sum(message => (long)message.Bytes.Length + 100)), cancellationToken);
    }

    /// <summary>The id of a topic, created on first use by anyone.</summary>
    public async ValueTask<int> TopicIdAsync(string component, string topic, CancellationToken cancellationToken)
    {
        if (_topics.TryGetValue((component, topic), out var known))
            return known;

        await using var batch = _database.Durable.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand("insert into sidecar.topics (component, name) values ($1, $2) on conflict do nothing")
        {
            Parameters = { new() { Value = component }, new() { Value = topic } },
        });
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select id from sidecar.topics where component = $1 and name = $2")
        {
            Parameters = { new() { Value = component }, new() { Value = topic } },
        });
        return _topics[(component, topic)] = (int)(await batch.ExecuteScalarAsync(cancellationToken))!;
    }

    public ValueTask DisposeAsync() => _commits.DisposeAsync();

    private async Task<IReadOnlyList<bool>> CommitAsync(IReadOnlyList<Publication> publications, CancellationToken cancellationToken)
    {
        var counts = new Dictionary<int, long>();
        var total = publications.Sum(publication => publication.Messages.Count);
        var topics = new int[total];
        var places = new long[total];
        var traits = new short[total];
        var metadata = new string?[total];
        var envelopes = new byte[total][];
        var row = 0;
        foreach (var publication in publications)
        {
            foreach (var message in publication.Messages)
            {
                topics[row] = publication.Topic;
                places[row] = counts[publication.Topic] = counts.GetValueOrDefault(publication.Topic) + 1;
                traits[row] = (short)message.Traits;
                metadata[row] = message.Metadata;
                envelopes[row++] = message.Bytes;
            }
        }

        await using var batch = _database.Durable.CreateBatch();
        batch.BatchCommands.Add(new NpgsqlBatchCommand(LockHeads) { Parameters = { new() { Value = counts.Keys.ToArray() } } });
        batch.BatchCommands.Add(new NpgsqlBatchCommand(Append)
        {
            Parameters =
            {
                new() { Value = counts.Keys.ToArray() },
                new() { Value = counts.Values.ToArray() },
                new() { Value = topics },
                new() { Value = places },
                new() { Value = traits },
                new() { Value = metadata, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text },
                new() { Value = envelopes },
            },
        });
        await batch.ExecuteNonQueryAsync(cancellationToken);
        return new bool[publications.Count];
    }

    private static bool IsTransient(Exception exception) => exception is NpgsqlException { IsTransient: true } or TimeoutException or IOException;
}
