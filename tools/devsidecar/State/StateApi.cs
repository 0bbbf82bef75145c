using System.Buffers;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>daprd's state API: get, save, delete, bulk get and transaction over the configured state components.</summary>
internal static class StateApi
{
    private static readonly string[] PostOrPut = [HttpMethods.Post, HttpMethods.Put];

    public static void MapStateApi(this IEndpointRouteBuilder endpoints)
    {
        var state = endpoints.MapGroup("/v1.0/state/{store}").OnPort(SidecarPort.Http).AddEndpointFilter(AnswerMalformedRequests);
        state.MapGet("/{key}", GetAsync);
        state.MapDelete("/{key}", DeleteAsync);
        state.MapMethods("", PostOrPut, SaveAsync);
        state.MapMethods("/bulk", PostOrPut, BulkGetAsync);
        state.MapMethods("/transaction", PostOrPut, TransactAsync);
    }

    private static async Task<IResult> GetAsync(HttpContext context, string store, StateStores stores)
    {
        if (stores.Find(store, out var refused) is not { } found)
            return refused;

        var key = RequestPath.Segment(context, 3);
        StateRequests.CheckKey(key);
        try
        {
            var value = await stores.RunAsync(store, ct => found.GetAsync(key, ct), retryConflicts: false, context.RequestAborted);
            if (value is null)
                return Results.NoContent();

            context.Response.Headers.ETag = value.ETag;
            if (value.ExpiresAt is { } expiry)
                context.Response.Headers["metadata.ttlExpireTime"] = FormatTime(expiry);
            return Results.Bytes(value.Value, "application/json");
        }
        catch (StateException e)
        {
            return new DaprError(500, "ERR_STATE_GET", $"fail to get {key} from state store {store}: {e.Message}");
        }
    }

    private static async Task<IResult> SaveAsync(HttpContext context, string store, StateStores stores)
    {
        if (stores.Find(store, out var refused) is not { } found)
            return refused;

        var items = StateRequests.ReadSave(await RequestBody.ReadAsync(context));
        try
        {
            await stores.RunAsync(store, ct => found.SaveAsync(items, ct), retryConflicts: false, context.RequestAborted);
            return Results.NoContent();
        }
        catch (StateException e)
        {
            return new DaprError(StatusOf(e), "ERR_STATE_SAVE", $"failed saving state in state store {store}: {e.Message}");
        }
    }

    private static async Task<IResult> DeleteAsync(HttpContext context, string store, StateStores stores)
    {
        if (stores.Find(store, out var refused) is not { } found)
            return refused;

        var key = RequestPath.Segment(context, 3);
        StateRequests.CheckKey(key);
        var query = context.Request.Query;
        var item = new StateItem(key, [], context.Request.Headers.IfMatch, query["concurrency"], query["consistency"], StateItem.NoMetadata);
        try
        {
            await stores.RunAsync(store, ct => found.DeleteAsync(item, ct), retryConflicts: true, context.RequestAborted);
            return Results.NoContent();
        }
        catch (StateException e)
        {
            return new DaprError(StatusOf(e), "ERR_STATE_DELETE", $"failed deleting state with key {key}: {e.Message}");
        }
    }

    private static async Task<IResult> BulkGetAsync(HttpContext context, string store, StateStores stores)
    {
        if (stores.Find(store, out var refused) is not { } found)
            return refused;

        var keys = StateRequests.ReadBulkGet(await RequestBody.ReadAsync(context));
        try
        {
            var values = await stores.RunAsync(store, ct => found.GetManyAsync(keys, ct), retryConflicts: false, context.RequestAborted);
            return Results.Bytes(FormatBulk(keys, values), "application/json");
        }
        catch (StateException e)
        {
            return new DaprError(500, "ERR_STATE_GET", $"fail to get keys from state store {store}: {e.Message}");
        }
    }

    private static async Task<IResult> TransactAsync(HttpContext context, string store, StateStores stores)
    {
        if (stores.Find(store, out var refused) is not { } found)
            return refused;

        try
        {
            var operations = StateRequests.ReadTransaction(await RequestBody.ReadAsync(context));
            await stores.RunAsync(store, ct => found.TransactAsync(operations, ct), retryConflicts: true, context.RequestAborted);
            return Results.NoContent();
        }
        catch (UnsupportedOperationException e)
        {
            return new DaprError(400, "ERR_NOT_SUPPORTED_STATE_OPERATION", e.Message);
        }
        catch (StateException e)
        {
            return new DaprError(
                500, "ERR_STATE_TRANSACTION", $"error while executing state transaction: {e.Message}");
        }
    }

    private static byte[] FormatBulk(IReadOnlyList<string> keys, IReadOnlyDictionary<string, StateValue> values)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartArray();
            foreach (var key in keys)
            {
                writer.WriteStartObject();
                writer.WriteString("key", key);
                if (values.TryGetValue(key, out var value))
                    WriteValue(writer, value);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteValue(Utf8JsonWriter writer, StateValue value)
    {
        writer.WritePropertyName("data");
        writer.WriteRawValue(value.Value);
        writer.WriteString("etag", value.ETag);
        if (value.ExpiresAt is not { } expiry)
            return;
        writer.WriteStartObject("metadata");
        writer.WriteString("ttlExpireTime", FormatTime(expiry));
        writer.WriteEndObject();
    }

    private static async ValueTask<object?> AnswerMalformedRequests(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (MalformedRequestException e)
        {
            return new DaprError(400, "ERR_MALFORMED_REQUEST", e.Message);
        }
    }

    private static int StatusOf(StateException e) => e.Failure switch
    {
        StateFailure.ETagMismatch => 409,
        StateFailure.ETagInvalid => 400,
        _ => 500,
    };

    private static string FormatTime(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture);
}
