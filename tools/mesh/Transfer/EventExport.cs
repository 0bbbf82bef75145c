using System.Globalization;
using System.IO.Pipelines;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Transfer;

/// <summary>Fetches events as lines of JSON and writes them on as they come.</summary>
public sealed class EventExport(HttpClient api, Action<long> progress)
{
    /// <summary>A filter as the API's query; null does not restrict.</summary>
    public static string QueryOf(IEnumerable<string> types, string? chat, DateTimeOffset? from, DateTimeOffset? to, string? tenant, bool full = false)
    {
        var pairs = new List<(string Name, string? Value)> { ("chat_jid", chat), ("occurred_from", Text(from)), ("occurred_to", Text(to)), ("tenant", tenant), ("full", full ? "true" : null) };
        pairs.AddRange(types.Select(static type => ("type", (string?)type)));
        return string.Join('&', pairs.Where(static pair => pair.Value is not null).Select(static pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value!)}"));
    }

    /// <summary>Writes every event of a query.</summary>
    /// <param name="query">Query of <c>GET /api/events/export</c>, without the question mark.</param>
    /// <param name="to">Where to.</param>
    /// <param name="cancellationToken">Ends the export.</param>
    /// <returns>Events written.</returns>
    /// <exception cref="MeshException">The mesh refused the request, or the stream broke off: what was written is not all.</exception>
    public async Task<long> RunAsync(string query, Stream to, CancellationToken cancellationToken)
    {
        var lines = 0L;
        try
        {
            using var answer = await api.GetAsync($"/api/events/export?{query}", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (!answer.IsSuccessStatusCode)
                throw new MeshException($"The mesh refused the export: {await OperatorApi.ProblemAsync(answer, cancellationToken)}", ExitCodes.Failed);
            var reader = PipeReader.Create(await answer.Content.ReadAsStreamAsync(cancellationToken), new StreamPipeReaderOptions(bufferSize: 64 * 1024));
            for (var isDone = false; !isDone;)
            {
                var read = await reader.ReadAsync(cancellationToken);
                foreach (var part in read.Buffer)
                {
                    await to.WriteAsync(part, cancellationToken);
                    lines += part.Span.Count((byte)'\n');
                }
                reader.AdvanceTo(read.Buffer.End);
                progress(lines);
                isDone = read.IsCompleted;
            }
        }
        catch (Exception exception) when (exception is HttpIOException or HttpRequestException)
        {
            throw new MeshException($"The export broke off after {lines} events, so it is not whole: run it again ({exception.Message}).", ExitCodes.Failed);
        }
        await to.FlushAsync(cancellationToken);
        return lines;
    }

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}
