using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>The answer to a bulk publish of which nothing was kept: all of it goes in one commit.</summary>
internal sealed class BulkPublishFailure(IReadOnlyList<string> entryIds) : IResult
{
    /// <summary>The code of the answer.</summary>
    public const string ErrorCode = "ERR_PUBSUB_PUBLISH_MESSAGE";

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status500InternalServerError;
        httpContext.Response.ContentType = "application/json";
        await using (var writer = new Utf8JsonWriter(httpContext.Response.BodyWriter))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("failedEntries");
            foreach (var entryId in entryIds)
            {
                writer.WriteStartObject();
                writer.WriteString("entryId", entryId);
                writer.WriteString("error", "the sidecar's database did not take it");
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteString("errorCode", ErrorCode);
            writer.WriteEndObject();
        }

        await httpContext.Response.BodyWriter.FlushAsync(httpContext.RequestAborted);
    }
}
