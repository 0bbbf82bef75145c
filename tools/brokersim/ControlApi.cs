using System.Text.Json;
using System.Text.Json.Serialization;

namespace WhatsAppMesh.BrokerSim;

/// <summary>
/// How tests, the demo and people direct the simulated broker: <c>/sim/faults</c>, <c>/sim/instances</c>, <c>/sim/memory</c>, and what it
/// saw: <c>/sim/sends</c>, <c>/sim/counts</c>. No key is asked for: it listens on the loopback address alone.
/// </summary>
internal static class ControlApi
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    public static void MapControl(this WebApplication app, SendBook sends, FaultScript faults, InstanceBook instances)
    {
        var control = app.MapGroup("/sim");
        control.MapGet("/counts", () => Results.Json(sends.Count(), Json));
        control.MapGet("/sends", (string? key) => Results.Json(sends.All.Where(s => key is null || s.Key == key), Json));
        control.MapDelete("/sends", () =>
        {
            sends.Clear();
            return Results.NoContent();
        });
        control.MapPost("/faults", context => ChangeAsync<Fault[]>(context, list => Array.ForEach(list, faults.Add)));
        control.MapDelete("/faults", (int? seed) =>
        {
            faults.Clear(seed ?? 7);
            return Results.NoContent();
        });
        control.MapPut("/instances/{id}", context => ChangeAsync<InstanceState>(context, state => instances.Set((string)context.Request.RouteValues["id"]!, state.Status)));
        control.MapPut("/memory", context => ChangeAsync<Memory>(context, memory => sends.RemembersKeys = memory.Keys));
    }

    private static async Task ChangeAsync<T>(HttpContext context, Action<T> change)
    {
        try
        {
            change(await JsonSerializer.DeserializeAsync<T>(context.Request.Body, Json, context.RequestAborted) ?? throw new JsonException("the body is null"));
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            context.Response.StatusCode = StatusCodes.Status400BadRequest;
            await context.Response.WriteAsJsonAsync(new { error = e.Message }, Json);
        }
    }

    private sealed record InstanceState(string Status);

    private sealed record Memory(bool Keys);
}
