using System.Globalization;
using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>GET /audit on the HTTP port: the account beside the log, for a person or a script. It shows counts and positions, nothing of any event.</summary>
internal static class AccountApi
{
    // A set in pieces is shown in part: its count is exact all the same.
    private const int ShownSpans = 100;

    public static void Map(IEndpointRouteBuilder endpoints) =>
        endpoints.MapGet("/audit", static (HttpContext context, AccountAudit audit, DeliveriesOptions options, string? heads) => AnswerAsync(context, audit, options, heads)).OnHttpPort();

    private static async Task AnswerAsync(HttpContext context, AccountAudit audit, DeliveriesOptions options, string? heads)
    {
        try
        {
            Write(context.Response, options.Service, await audit.AuditAsync(Parse(heads ?? ""), context.RequestAborted));
        }
        catch (FormatException)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_heads", "heads must be LOG:POSITION, several with commas between, such as 1:5000.");
        }
        catch (Exception exception) when (exception is LakeException or NpgsqlException)
        {
            await ProblemAnswers.WriteAsync(
                context, StatusCodes.Status503ServiceUnavailable, "unavailable", "The lake or the database cannot be asked now.", TimeSpan.FromSeconds(1));
        }
    }

    private static void Write(HttpResponse response, string service, IReadOnlyList<LogAudit> audits)
    {
        response.ContentType = "application/json";
        using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        json.WriteString("service", service);
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

    private static Dictionary<int, long> Parse(string heads)
    {
        var parsed = new Dictionary<int, long>();
        foreach (var head in heads.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = head.Split(':');
            if (parts.Length != 2
                || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var log)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
                || position == long.MaxValue)
            {
                throw new FormatException();
            }

            parsed[log] = position;
        }

        return parsed;
    }
}
