using System.Text.Json;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Messages;

namespace WhatsAppMesh.Dispatch.Tests.Driving;

/// <summary>Automations as tests want them.</summary>
internal static class Samples
{
    /// <summary>Saves an automation that sends a text at once; it is on since midnight.</summary>
    public static Task<Automation> AutomationAsync(
        this DispatchDatabase database, string kind, string value, double since = 0, string tenant = "acme", string text = "Hi", string? to = null) =>
        database.AutomationAsync(kind, value, [new AutomationStep("first", TimeSpan.Zero, "sales", new Message { Content = text, To = to })], since, tenant);

    /// <summary>Saves an automation with these steps.</summary>
    public static async Task<Automation> AutomationAsync(
        this DispatchDatabase database, string kind, string value, IReadOnlyList<AutomationStep> steps, double since = 0, string tenant = "acme")
    {
        var id = Guid.CreateVersion7();
        var at = Lake.Hour(since);
        await using var command = database.Source.CreateCommand("""
            insert into automations (id, tenant, name, enabled, trigger_kind, trigger_value, steps, enabled_since, version, created_at, updated_at)
            values ($1, $2, 'Test', true, $3, $4, $5::jsonb, $6, 1, $6, $6)
            """);
        foreach (var value1 in (object[])[id, tenant, kind, value, JsonSerializer.Serialize(steps, AutomationJson.Default.IReadOnlyListAutomationStep), at])
            command.Parameters.AddWithValue(value1);
        await command.ExecuteNonQueryAsync();
        return new Automation(id, tenant, new AutomationDraft("Test", true, kind, value, steps), 1, at, at, at);
    }
}
