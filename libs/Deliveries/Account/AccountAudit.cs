using System.Globalization;
using System.Text.Json;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Every position of one log below a head, in exactly one of the sets, if all is well.</summary>
/// <param name="Log">The log's number.</param>
/// <param name="Head">The newest position that counts.</param>
/// <param name="Applied">Had their effect here, or none because of their type.</param>
/// <param name="Dead">Open dead letters.</param>
/// <param name="Discarded">Given up by a person.</param>
/// <param name="Retired">Removed from the lake before this consumer had them.</param>
/// <param name="Pending">Not accounted for yet.</param>
/// <param name="NeverLogged">Accounted for above the head: events that nobody logged, unless the head has moved on since it was taken.</param>
/// <param name="Torn">Dead letters whose position the account does not hold, or in two sets at once: never, unless there is a bug.</param>
internal sealed record LogAudit(
    int Log, long Head, PositionSet Applied, PositionSet Dead, PositionSet Discarded, PositionSet Retired, PositionSet Pending, PositionSet NeverLogged, PositionSet Torn)
{
    /// <summary>Splits an account into its sets.</summary>
    public static LogAudit Of(int log, long head, PositionSet done, PositionSet retired, PositionSet dead, PositionSet discarded)
    {
        var logged = PositionSet.Range(1, head);
        var torn = dead.Union(discarded).Subtract(done)
            .Union(dead.Intersect(discarded)).Union(dead.Intersect(retired)).Union(discarded.Intersect(retired));
        return new LogAudit(
            log,
            head,
            done.Subtract(retired).Subtract(dead).Subtract(discarded).Intersect(logged),
            dead.Intersect(logged),
            discarded.Intersect(logged),
            retired.Intersect(logged),
            logged.Subtract(done),
            done.Subtract(logged),
            torn);
    }
}

/// <summary>GET /audit: compares this consumer's account with the log as sets, not counts.</summary>
internal sealed class AccountAudit(NpgsqlDataSource database, LakeReader lake, DeliveriesOptions options)
{
    // A set in pieces is shown in part: its count is exact all the same.
    private const int ShownSpans = 100;

    /// <summary>Maps the route on the HTTP port. It shows counts and positions, nothing of any event.</summary>
    public static void Map(IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/audit", static (HttpContext context, AccountAudit audit, string? heads) => audit.AnswerAsync(context, heads)).OnHttpPort();

    /// <summary>The sets of every log.</summary>
    /// <param name="heads">Newest position by log: what counts as logged.</param>
    public async Task<IReadOnlyList<LogAudit>> AuditAsync(IReadOnlyDictionary<int, long> heads, CancellationToken cancellationToken)
    {
        // One statement, one snapshot: a dead letter and its position appear together.
        await using var command = database.CreateCommand(
            """
            select a.log, a.done::text, a.retired::text,
                coalesce((select array_agg(d.position) from deliveries.dead_letters d where d.log = a.log and d.state = 'open'), '{}'),
                coalesce((select array_agg(d.position) from deliveries.dead_letters d where d.log = a.log and d.state = 'discarded'), '{}')
            from deliveries.account a order by a.log
            """);
        var audits = new SortedDictionary<int, LogAudit>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var log = reader.GetInt32(0);
            var dead = PositionSet.Of(reader.GetFieldValue<long[]>(3));
            audits[log] = LogAudit.Of(
                log,
                heads.GetValueOrDefault(log),
                PositionSet.Parse(reader.GetString(1)),
                PositionSet.Parse(reader.GetString(2)),
                dead,
                PositionSet.Of(reader.GetFieldValue<long[]>(4)).Subtract(dead));
        }

        foreach (var (log, head) in heads)
            audits.TryAdd(log, LogAudit.Of(log, head, PositionSet.Empty, PositionSet.Empty, PositionSet.Empty, PositionSet.Empty));
        return [.. audits.Values];
    }

    private async Task AnswerAsync(HttpContext context, string? heads)
    {
        try
        {
            var taken = heads is null ? Taken(await lake.GetHeadsAsync(context.RequestAborted)) : Parse(heads);
            await WriteAsync(context.Response, await AuditAsync(taken, context.RequestAborted));
        }
        catch (FormatException)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_heads", "heads must be LOG:POSITION, several with commas between, such as 1:5000.");
        }
        catch (Exception exception) when (exception is RpcException or NpgsqlException)
        {
            await ProblemAnswers.WriteAsync(
                context, StatusCodes.Status503ServiceUnavailable, "unavailable", "The lake or the database cannot be asked now.", TimeSpan.FromSeconds(1));
        }
    }

    private async Task WriteAsync(HttpResponse response, IReadOnlyList<LogAudit> audits)
    {
        response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("service", options.Service);
        json.WriteStartArray("logs");
        foreach (var audit in audits)
        {
            json.WriteStartObject();
            json.WriteNumber("log", audit.Log);
            json.WriteNumber("head", audit.Head);
            WriteSet(json, "applied", audit.Applied);
            WriteSet(json, "dead", audit.Dead);
            WriteSet(json, "discarded", audit.Discarded);
            WriteSet(json, "retired", audit.Retired);
            WriteSet(json, "pending", audit.Pending);
            WriteSet(json, "never_logged", audit.NeverLogged);
            WriteSet(json, "torn", audit.Torn);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteSet(Utf8JsonWriter json, string name, PositionSet set)
    {
        json.WriteStartObject(name);
        json.WriteNumber("count", set.Count);
        json.WriteString("positions", PositionSet.OfSpans(set.Spans.Take(ShownSpans)).ToString());
        json.WriteEndObject();
    }

    private static Dictionary<int, long> Taken(IReadOnlyList<LogHead> heads) => heads.ToDictionary(static head => head.Log, static head => head.Newest);

    private static Dictionary<int, long> Parse(string heads)
    {
        var parsed = new Dictionary<int, long>();
        foreach (var head in heads.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = head.Split(':');
            if (parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var log)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var position))
            {
                throw new FormatException();
            }

            parsed[log] = position;
        }

        return parsed;
    }
}
