using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Transfer;

/// <summary>What the operator API says of imported lines, and what the command says of all of them.</summary>
public sealed record ImportAnswer
{
    /// <summary>Lines read, blank ones not counted.</summary>
    public long Read { get; init; }

    /// <summary>New in the lake.</summary>
    public long Appended { get; init; }

    /// <summary>In the lake already.</summary>
    public long Duplicates { get; init; }

    /// <summary>Refused.</summary>
    public long Refused { get; init; }

    /// <summary>The first of the refused.</summary>
    public IReadOnlyList<RefusedImportLine> Refusals { get; init; } = [];

    /// <summary>This and what came of a portion that begins at a line.</summary>
    public ImportAnswer With(ImportAnswer portion, long firstLine, int mostRefusals) => new()
    {
        Read = Read + portion.Read,
        Appended = Appended + portion.Appended,
        Duplicates = Duplicates + portion.Duplicates,
        Refused = Refused + portion.Refused,
        Refusals = [.. Refusals.Concat(portion.Refusals.Select(refusal => refusal with { Line = refusal.Line + firstLine - 1 })).Take(mostRefusals)],
    };
}

/// <summary>A line that was not imported.</summary>
/// <param name="Line">Its number in the file; the first is 1.</param>
/// <param name="Field">What in it is wrong.</param>
/// <param name="Reason">Why.</param>
public sealed record RefusedImportLine(long Line, string Field, string Reason);

/// <summary>
/// Sends a file of events in portions. What the mesh cannot take now is sent again until it can: the lake knows what it has, so nothing
/// is doubled, and an import that was interrupted is simply run again.
/// </summary>
public sealed class EventImport(HttpClient api, string? tenant, TimeProvider clock, Action<ImportAnswer> progress)
{
    /// <summary>Bytes of one request, unless a single line is longer.</summary>
    private const int PortionBytes = 1024 * 1024;

    private const int PortionLines = 1_000;
    private const int MostRefusals = 1_000;
    private const int MaxTries = 12;

    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>Sends all of a stream.</summary>
    /// <exception cref="MeshException">The mesh refuses the request, or does not take it after many tries.</exception>
    public async Task<ImportAnswer> RunAsync(Stream lines, CancellationToken cancellationToken)
    {
        var sum = new ImportAnswer();
        await foreach (var portion in LinePortions.ReadAsync(lines, PortionBytes, PortionLines, cancellationToken))
        {
            sum = sum.With(await SendAsync(portion, cancellationToken), portion.FirstLine, MostRefusals);
            progress(sum);
        }
        return sum;
    }

    private async Task<ImportAnswer> SendAsync(LinePortion portion, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (answer, problem, wait) = await TryAsync(portion, cancellationToken);
            if (answer is not null)
                return answer;
            if (attempt == MaxTries)
                throw new MeshException($"The mesh does not take line {portion.FirstLine} and those after it ({problem}). Run the import again: what is stored already is not stored twice.", ExitCodes.Failed);
            var backOff = TimeSpan.FromSeconds(Math.Pow(2, attempt - 1));
            await Task.Delay(wait ?? (backOff < LongestWait ? backOff : LongestWait), clock, cancellationToken);
        }
    }

    private async Task<(ImportAnswer? Answer, string Problem, TimeSpan? Wait)> TryAsync(LinePortion portion, CancellationToken cancellationToken)
    {
        try
        {
            var query = tenant is null ? "" : $"?tenant={Uri.EscapeDataString(tenant)}";
            using var content = new ByteArrayContent(portion.Bytes) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-ndjson") } };
            using var answer = await api.PostAsync($"/api/events/import{query}", content, cancellationToken);
            if (answer.IsSuccessStatusCode)
            {
                await using var body = await answer.Content.ReadAsStreamAsync(cancellationToken);
                return ((await JsonSerializer.DeserializeAsync(body, MeshJson.Default.ImportAnswer, cancellationToken))!, "", null);
            }
            var problem = await OperatorApi.ProblemAsync(answer, cancellationToken);
            if (answer.StatusCode is HttpStatusCode.TooManyRequests or >= HttpStatusCode.BadGateway)
                return (null, problem, answer.Headers.RetryAfter?.Delta);
            throw new MeshException($"The mesh refused the import at line {portion.FirstLine.ToString(CultureInfo.InvariantCulture)}: {problem}", ExitCodes.Failed);
        }
        catch (HttpRequestException exception)
        {
            return (null, exception.Message, null);
        }
    }
}
