using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests.Operator;

/// <summary>Keys of the operator API: what counts, from when to when, and how much.</summary>
public sealed class OperatorKeyTests
{
    private const string Route = "/api/groups";

    [Fact]
    public async Task A_key_is_taken_from_either_header_and_from_both_when_they_say_the_same()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        var key = OperatorUnderTest.KeyOf(OperatorUnderTest.Acme);
        Assert.Equal(200, await StatusAsync(api, ("X-API-Key", key)));
        Assert.Equal(200, await StatusAsync(api, ("Authorization", $"Bearer {key}")));
        Assert.Equal(200, await StatusAsync(api, ("X-API-Key", key), ("Authorization", $"Bearer {key}")));
        Assert.Equal(401, await StatusAsync(api, ("X-API-Key", key), ("Authorization", "Bearer other")));
        Assert.Equal(401, await StatusAsync(api, ("X-Authorization", key)));
        Assert.Equal(401, await StatusAsync(api, ("Authorization", key)));
        Assert.Equal(401, await StatusAsync(api, ("X-API-Key", OperatorUnderTest.HashOf(key))));
        Assert.Equal(401, await StatusAsync(api, ("X-API-Key", "")));
    }

    [Fact]
    public async Task A_key_counts_from_its_beginning_to_its_end()
    {
        var start = DateTimeOffset.UtcNow;
        await using var api = await OperatorUnderTest.StartAsync(new()
        {
            ["Edge:ApiKeys:1:NotBefore"] = start.AddHours(1).ToString("O"),
            ["Edge:ApiKeys:1:Expires"] = start.AddHours(2).ToString("O"),
        });
        await api.RefusedAsync("GET", Route, OperatorUnderTest.Acme, 401, "unauthorized");
        api.Edge.Clock.Shift = TimeSpan.FromMinutes(90);
        await api.AskAsync("GET", Route, OperatorUnderTest.Acme);
        api.Edge.Clock.Shift = TimeSpan.FromMinutes(150);
        await api.RefusedAsync("GET", Route, OperatorUnderTest.Acme, 401, "unauthorized");
    }

    [Fact]
    public async Task A_key_over_its_rate_waits_and_others_do_not()
    {
        await using var api = await OperatorUnderTest.StartAsync(new() { ["Edge:ApiKeys:1:RequestsPerSecond"] = "0.001" });
        await api.AskAsync("GET", Route, OperatorUnderTest.Acme);
        using var answer = await api.RefusedAsync("GET", Route, OperatorUnderTest.Acme, 429, "rate_limited");
        Assert.NotNull(answer.Headers.RetryAfter);
        await api.AskAsync("GET", Route, OperatorUnderTest.Beta);
    }

    [Fact]
    public async Task An_address_over_its_rate_waits_before_its_key_is_looked_at()
    {
        await using var api = await OperatorUnderTest.StartAsync(new() { ["Edge:Limits:AddressRequestsPerSecond"] = "0.001", ["Edge:Limits:AddressBurst"] = "1" });
        await api.RefusedAsync("GET", Route, null, 401, "unauthorized");
        await api.RefusedAsync("GET", Route, OperatorUnderTest.Acme, 429, "rate_limited");
    }

    [Fact]
    public async Task A_key_added_to_the_file_counts_without_a_restart()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("operator-keys-").FullName, "sources.json");
        File.WriteAllText(file, "{}");
        await using var api = await OperatorUnderTest.StartAsync(new() { ["Edge:SourcesFile"] = file });
        await api.RefusedAsync("GET", Route, "gamma-viewer", 401, "unauthorized");
        var hash = OperatorUnderTest.HashOf(OperatorUnderTest.KeyOf("gamma-viewer"));
        File.WriteAllText(file, $$"""{"apiKeys":[{"name":"gamma-viewer","tenant":"gamma","role":"viewer","hash":"{{hash}}"}]}""");
        await Answers.EventuallyAsync(async () => (await api.SendAsync("GET", Route, "gamma-viewer")).IsSuccessStatusCode, "the new key counts");
        Assert.Equal("gamma", ((Membership.V1.ListGroupsRequest)api.Services.Questions.Last().Request).Tenant);
        File.WriteAllText(file, "{}");
        await Answers.EventuallyAsync(async () => (int)(await api.SendAsync("GET", Route, "gamma-viewer")).StatusCode == 401, "the key is gone");
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Fact]
    public void Every_wrong_key_is_named_and_no_hash_is_told()
    {
        var errors = CatalogValidator.Validate(new CatalogSettings
        {
            ApiKeys =
            [
                new() { Name = "a b", Tenant = "", Role = "admin", Hash = "mesh_the_key_itself" },
                new() { Name = "twice", Tenant = "*", Role = "viewer", Hash = new string('a', 64), RequestsPerSecond = -1 },
                new() { Name = "twice", Tenant = "t", Role = "Operator", Hash = "sha256:" + new string('b', 64), NotBefore = DateTimeOffset.UnixEpoch.AddDays(1), Expires = DateTimeOffset.UnixEpoch },
            ],
        });
        string[] places = ["apiKeys[0].name", "apiKeys[0].tenant", "apiKeys[0].role", "apiKeys[0].hash", "apiKeys[1].requestsPerSecond", "apiKeys[2]: it expires", "'twice' is given 2 times"];
        Assert.All(places, place => Assert.Contains(errors, error => error.Contains(place, StringComparison.Ordinal)));
        Assert.Equal(places.Length, errors.Count);
        Assert.DoesNotContain(errors, static error => error.Contains("mesh_the_key_itself", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_key_under_two_names_does_not_start()
    {
        var exception = await Assert.ThrowsAsync<CatalogException>(() => OperatorUnderTest.StartAsync(new() { ["Edge:ApiKeys:1:Hash"] = OperatorUnderTest.HashOf(OperatorUnderTest.KeyOf(OperatorUnderTest.Beta)) }));
        Assert.Contains("acme-operator and beta-operator are the same key", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_key_and_no_answer_of_a_service_reaches_a_log()
    {
        await using var api = await OperatorUnderTest.StartAsync();
        foreach (var row in OperatorRoutes.All)
            using (await api.SendAsync(row.Method, row.Target, OperatorUnderTest.Acme, row.Body, row.MediaType))
                continue;
        Assert.Contains(api.Edge.Logs.Lines, static line => line.Contains("[1040] Key acme-operator asked for POST /api/dead-letters/replay: 200", StringComparison.Ordinal));
        foreach (var secret in (string[])[OperatorUnderTest.KeyOf(OperatorUnderTest.Acme), "999000000000001", "120363000000000001", "Olá", "secret words"])
        {
            var ours = api.Edge.Logs.Lines.Where(static line => line.Contains(" WhatsAppMesh", StringComparison.Ordinal) || !line.StartsWith("Trace", StringComparison.Ordinal) && !line.StartsWith("Debug", StringComparison.Ordinal));
            Assert.DoesNotContain(ours, line => line.Contains(secret, StringComparison.Ordinal));
        }
    }

    private static async Task<int> StatusAsync(OperatorUnderTest api, params (string Name, string Value)[] headers)
    {
        using var request = OperatorUnderTest.Request("GET", Route, null);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await api.Edge.Client.SendAsync(request);
        return (int)answer.StatusCode;
    }
}
