using System.Buffers;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>daprd's state API over HTTP: get, save, delete, bulk get and transaction.</summary>
internal static class StateApi
{
    private static readonly string[] PostOrPut = [HttpMethods.Post, HttpMethods.Put];

    public static void MapStateApi(this IEndpointRouteBuilder endpoints)
    {
        var state = endpoints.MapGroup("/v1.0/state/{store}").OnPort(SidecarPort.Http).AddEndpointFilter(ErrorAnswer.Filter);
        state.MapGet("/{key}", GetAsync);
        state.MapDelete("/{key}", DeleteAsync);
        state.MapMethods("", PostOrPut, SaveAsync);
        state.MapMethods("/bulk", PostOrPut, BulkGetAsync);
        state.MapMethods("/transaction", PostOrPut, TransactAsync);
    }

    private static async Task<IResult> GetAsync(HttpContext context, string store, StateEngine state)
    {
        state.Require(store);
        var key = StateRequests.CheckKey(RequestPath.Segment(context, 3));
        if (await state.GetAsync(store, key, context.RequestAborted) is not { } value)
            return Results.NoContent();

        context.Response.Headers.ETag = value.ETag;
        if (value.ExpiryText is { } expiry)
            context.Response.Headers["metadata.ttlExpireTime"] = expiry;
        return Results.Bytes(value.Value, "application/json");
    }

    private static async Task<IResult> SaveAsync(HttpContext context, string store, StateEngine state)
    {
        state.Require(store);
        await state.SaveAsync(store, StateRequests.ReadSave(await RequestBody.ReadAsync(context)), context.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string store, StateEngine state)
    {
        state.Require(store);
        var key = StateRequests.CheckKey(RequestPath.Segment(context, 3));
        var query = context.Request.Query;
        var item = new StateItem(key, [], context.Request.Headers.IfMatch, query["concurrency"], query["consistency"], StateItem.NoMetadata);
        await state.DeleteAsync(store, item, context.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> BulkGetAsync(HttpContext context, string store, StateEngine state)
    {
        state.Require(store);
        var keys = StateRequests.ReadBulkGet(await RequestBody.ReadAsync(context));
        return Results.Bytes(FormatBulk(await state.GetManyAsync(store, keys, context.RequestAborted)), "application/json");
    }

    private static async Task<IResult> TransactAsync(HttpContext context, string store, StateEngine state)
    {
        state.Require(store);
        await state.TransactAsync(store, StateRequests.ReadTransaction(await RequestBody.ReadAsync(context)), context.RequestAborted);
        return Results.NoContent();
    }

    private static byte[] FormatBulk(IReadOnlyList<KeyValuePair<string, StateValue?>> values)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            foreach (var (key, value) in values)
            {
                writer.WriteStartObject();
                writer.WriteString("key", key);
                if (value is not null)
                    WriteValue(writer, value);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteValue(Utf8JsonWriter writer, StateValue value)
    {
        // What was saved over gRPC may be anything: here it must be a value of the JSON answer.
        writer.WritePropertyName("data");
        if (GoJsonSyntax.Check(value.Value) is null)
            writer.WriteRawValue(value.Value);
        else
            writer.WriteBase64StringValue(value.Value);
        writer.WriteString("etag", value.ETag);
        if (value.ExpiryText is not { } expiry)
            return;
        writer.WriteStartObject("metadata");
        writer.WriteString("ttlExpireTime", expiry);
        writer.WriteEndObject();
    }
}
