using System.Text.Json;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What goes to the broker for a message.</summary>
public sealed class SendContentTests
{
    [Theory]
    [InlineData("direct", "Use {{cupom}} hoje")]
    [InlineData("automation", "Use  hoje")]
    public async Task Only_an_automations_message_is_a_template(string kind, string expected)
    {
        var content = await new SendContents(null!, null!, new InstanceTenants(new DispatchOptions())).MakeAsync(Job(kind, """{"type":"text","to":"12025550103","content":"Use {{cupom}} hoje"}"""), default);

        using var body = JsonDocument.Parse(content.Body!);
        Assert.Equal(expected, body.RootElement.GetProperty("message").GetString());
    }

    private static StartedJob Job(string kind, string message) => new()
    {
        Id = Guid.Empty,
        Tenant = "acme",
        Kind = kind,
        InstanceId = "instance-0",
        SendKey = "key",
        Message = message,
        Subject = "{}",
        Attempt = 1,
        TraceParent = null,
        Claim = new HeldClaim("key", "w", 1, "1", 0),
    };
}
