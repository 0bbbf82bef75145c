using System.Text.Json;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>The served document says what the routes do.</summary>
public sealed class OpenApiTests
{
    private static readonly string[] Verbs = ["get", "post", "put", "delete", "patch"];

    [Fact]
    public async Task Every_route_is_in_the_document_and_every_operation_is_a_route()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var document = await DocumentAsync(api);
        var described = Operations(document).Where(static operation => operation.Role != "public")
            .Select(operation => $"{operation.Method} {operation.Path} {operation.Role} {string.Join(',', operation.Query)}");
        var mapped = OperatorTenantTests.Mapped(api).Select(route =>
        {
            var query = string.Join(',', route.Route.Query.Append("tenant").Order(StringComparer.Ordinal));
            return $"{route.Method} {route.Template} {route.Route.Role.ToString().ToLowerInvariant()} {query}";
        });
        Assert.Equal(mapped.Order(StringComparer.Ordinal), described.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_reference_leads_somewhere_and_every_part_is_used()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var document = await DocumentAsync(api);
        var references = References(document).ToHashSet();
        Assert.All(references, reference => Assert.NotEqual(JsonValueKind.Undefined, JsonSchema.Resolve(document, reference).ValueKind));
        foreach (var section in (string[])["schemas", "parameters", "responses"])
            Assert.All(document.GetProperty("components").GetProperty(section).EnumerateObject(), part => Assert.Contains($"#/components/{section}/{part.Name}", references));
        Assert.Equal("3.1.0", document.GetProperty("openapi").GetString());
    }

    [Fact]
    public async Task Every_answer_keeps_to_its_schema()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var document = await DocumentAsync(api);
        foreach (var row in OperatorRoutes.All.Where(static row => !row.IsDispatchs))
        {
            var target = row.NeedsInstallation ? row.Target : row.Target + (row.Target.Contains('?') ? "&" : "?") + "tenant=acme";
            using var answer = await api.SendAsync(row.Method, target, OperatorUnderTest.All, row.Body, row.MediaType);
            var content = ContentOf(document, row, ((int)answer.StatusCode).ToString(System.Globalization.CultureInfo.InvariantCulture));
            var type = answer.Content.Headers.ContentType?.MediaType;
            Assert.Equal(content.ValueKind == JsonValueKind.Undefined, type is null);
            if (type != "application/json")
                continue;
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Empty(JsonSchema.Check(document, content.GetProperty(type).GetProperty("schema"), json.RootElement, row.Template));
        }
    }

    [Fact]
    public async Task Refusals_keep_to_the_problem_s_schema_and_are_documented()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var document = await DocumentAsync(api);
        foreach (var row in OperatorRoutes.All)
        {
            using var answer = await api.SendAsync(row.Method, row.Target, null, row.Body, row.MediaType);
            var content = ContentOf(document, row, "401");
            using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            Assert.Empty(JsonSchema.Check(document, content.GetProperty("application/problem+json").GetProperty("schema"), json.RootElement, row.Template));
        }
    }

    private static async Task<JsonElement> DocumentAsync(OperatorUnderTest api)
    {
        using var answer = await api.Edge.Client.GetAsync("/api/openapi.json");
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.Clone();
    }

    private static JsonElement ContentOf(JsonElement document, RouteCase row, string status)
    {
        var operation = document.GetProperty("paths").GetProperty(row.Template).GetProperty(row.Method.ToLowerInvariant());
        Assert.True(operation.GetProperty("responses").TryGetProperty(status, out var response), $"{row.Method} {row.Template}: {status} is not documented");
        if (response.TryGetProperty("$ref", out var reference))
            response = JsonSchema.Resolve(document, reference.GetString()!);
        return response.TryGetProperty("content", out var content) ? content : default;
    }

    private static IEnumerable<(string Method, string Path, string Role, IReadOnlyList<string> Query)> Operations(JsonElement document) =>
        from path in document.GetProperty("paths").EnumerateObject()
        from verb in path.Value.EnumerateObject()
        where Verbs.Contains(verb.Name)
        select (verb.Name.ToUpperInvariant(), path.Name, verb.Value.GetProperty("x-role").GetString()!, QueryOf(document, verb.Value));

    private static IReadOnlyList<string> QueryOf(JsonElement document, JsonElement operation)
    {
        if (!operation.TryGetProperty("parameters", out var parameters))
            return [];
        return [.. parameters.EnumerateArray()
            .Select(parameter => parameter.TryGetProperty("$ref", out var reference) ? JsonSchema.Resolve(document, reference.GetString()!) : parameter)
            .Where(static parameter => parameter.GetProperty("in").GetString() == "query")
            .Select(static parameter => parameter.GetProperty("name").GetString()!)
            .Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(static member =>
            member is { Name: "$ref", Value.ValueKind: JsonValueKind.String } ? [member.Value.GetString()!] : References(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };
}
