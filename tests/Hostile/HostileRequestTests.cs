using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Hostile;

/// <summary>What one row was answered.</summary>
/// <param name="Statuses">Status of each time it was sent.</param>
/// <param name="Code">The problem's code; null when the answer has none.</param>
/// <param name="Answers">Most answers on one connection.</param>
public sealed record RowAnswer(IReadOnlyList<int> Statuses, string? Code, int Answers);

/// <summary>Sends every row to a real edge and ingest, several at a time, while a sound collector posts; then looks what is left.</summary>
public sealed class HostileHour : IAsyncLifetime
{
    private const int AtATime = 6;
    private const string NeighbourWord = "soundneighbour";

    private readonly ConcurrentDictionary<string, RowAnswer> _answers = new();
    private readonly ConcurrentDictionary<Guid, string> _neighbours = new();
    private readonly ConcurrentBag<int> _neighbourStatuses = [];
    private Doors? _doors;

    /// <summary>Every row with the mark it was sent with.</summary>
    public static IReadOnlyList<(Row Row, Mark Mark)> Rows { get; } =
        [.. BodyRows.All.Concat(SignatureRows.All).Concat(FramingRows.All).Concat(DoorRows.All).Concat(EvolutionRows.All)
            .Select((row, i) => (row, new Mark(i)))];

    public Doors Doors => _doors!;

    public IReadOnlyList<StoredRow> Lake { get; private set; } = [];

    public IReadOnlyDictionary<string, RowAnswer> Answers => _answers;

    /// <summary>Payloads of the sound events, by id.</summary>
    public IReadOnlyDictionary<Guid, string> Neighbours => _neighbours;

    public IReadOnlyCollection<int> NeighbourStatuses => _neighbourStatuses;

    public async Task InitializeAsync()
    {
        _doors = await Doors.StartAsync();
        using var over = new CancellationTokenSource();
        var neighbours = Task.WhenAll(Enumerable.Range(0, 2).Select(_ => PostNeighboursAsync(over.Token)));
        await Parallel.ForEachAsync(Rows, new ParallelOptions { MaxDegreeOfParallelism = AtATime }, async (row, _) => await SendAsync(row.Row, row.Mark));
        await over.CancelAsync();
        await neighbours;
        Lake = await _doors.LakeAsync();
    }

    public async Task DisposeAsync()
    {
        if (_doors is not null)
            await _doors.DisposeAsync();
    }

    private async Task SendAsync(Row row, Mark mark)
    {
        var bytes = row.Make(mark).Bytes();
        List<int> statuses = [];
        string? code = null;
        var answers = 0;
        while (statuses.Count < row.Times)
        {
            using var exchange = await RawExchange.SendAsync(Doors.Edge, bytes, row.Sending);
            if (IsComeAgain(exchange.Status) && !row.Statuses.Contains(exchange.Status))
                continue;
            statuses.Add(exchange.Status);
            code ??= CodeOf(exchange.Answer);
            answers = Math.Max(answers, exchange.Answers);
        }
        _answers[row.Name] = new RowAnswer(statuses, code, answers);
    }

    private async Task PostNeighboursAsync(CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var id = Guid.NewGuid();
            var payload = $$$"""{"text":"{{{NeighbourWord}}} {{{id}}}"}""";
            _neighbours[id] = payload;
            var bytes = Request.V2($$$"""{"type":"messages.upsert","payload":{{{payload}}}}""", id.ToString()).Bytes();
            int status;
            do
            {
                using var exchange = await RawExchange.SendAsync(Doors.Edge, bytes);
                status = exchange.Status;
            }
            while (IsComeAgain(status));
            _neighbourStatuses.Add(status);
        }
    }

    // What a machine that is busy with something else may answer to anybody; a sender repeats it, so do we.
    private static bool IsComeAgain(int status) => status is 408 or 503;

    private static string? CodeOf(string answer)
    {
        var start = answer.IndexOf('{', StringComparison.Ordinal);
        if (!answer.Contains("application/problem+json", StringComparison.Ordinal) || start < 0)
            return null;
        // It may stand in chunks: it is one object all the same.
        using var problem = JsonDocument.Parse(answer[start..(answer.LastIndexOf('}') + 1)]);
        return problem.RootElement.GetProperty("code").GetString();
    }
}

/// <summary>Bad input through the doors: each gets its documented answer and harms nobody else.</summary>
public sealed class HostileRequestTests(HostileHour hour) : IClassFixture<HostileHour>
{
    public static TheoryData<string> Names() => [.. HostileHour.Rows.Select(r => r.Row.Name)];

    [Fact]
    public void Every_row_has_a_name_of_its_own() =>
        Assert.Equal(HostileHour.Rows.Count, HostileHour.Rows.Select(r => r.Row.Name).Distinct().Count());

    [Theory]
    [MemberData(nameof(Names))]
    public void Hostile_request_gets_its_documented_answer_and_leaves_what_is_documented(string name)
    {
        var (row, mark) = HostileHour.Rows.Single(r => r.Row.Name == name);
        var answer = hour.Answers[name];

        Assert.All(answer.Statuses, status => Assert.Contains(status, row.Statuses));
        Assert.Equal(row.Code, answer.Code);
        Assert.True(answer.Answers <= 1, "What stood behind the request was answered as another one.");
        var stored = hour.Lake.Where(r => r.Payload.Contains(mark.Text, StringComparison.Ordinal)).ToList();
        Assert.Equal(row.Stored, stored.Count);
        Assert.All(stored, r => Assert.Equal(Senders.Tenant, r.Tenant));
        Assert.All(stored, r => Assert.DoesNotContain('\0', r.Payload));
        if (row.Holds is { } part)
            Assert.All(stored, r => Assert.Contains(part, r.Payload, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_else_is_stored() =>
        Assert.Equal(HostileHour.Rows.Sum(r => r.Row.Stored) + hour.Neighbours.Count, hour.Lake.Count);

    [Fact]
    public void Neighbours_in_the_same_batches_are_stored_once_and_unharmed()
    {
        Assert.All(hour.NeighbourStatuses, status => Assert.Equal(201, status));
        var lake = hour.Lake.ToLookup(r => r.EventId);
        Assert.NotEmpty(hour.Neighbours);
        Assert.All(hour.Neighbours, neighbour => Assert.Equal([neighbour.Value], lake[neighbour.Key].Select(r => r.Payload)));
    }

    [Fact]
    public void No_answer_blames_the_server() => Assert.DoesNotContain(hour.Answers, answer => answer.Value.Statuses.Any(status => status is >= 500 and not 505));

    [Fact]
    public void Every_process_is_alive() => Assert.Empty(hour.Doors.Dead);

    [Fact]
    public void No_log_holds_a_secret_a_signature_a_text_or_a_group()
    {
        var told = string.Join('\n', hour.Doors.LogLines);
        Assert.NotEmpty(told);
        IEnumerable<string> hidden = [.. Senders.Secrets, .. Request.Signatures.Where(s => s.Length > 0), Mark.Word, Mark.JidStart, "soundneighbour", "evil.example", "drop table"];
        Assert.All(hidden, text => Assert.DoesNotContain(text, told, StringComparison.OrdinalIgnoreCase));
    }
}
