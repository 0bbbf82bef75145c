using System.Buffers;
using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Leads;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What is to be sent, or why it cannot be.</summary>
/// <param name="Body">The broker's request body; null when there is none.</param>
/// <param name="Problem">It can never be sent.</param>
/// <param name="Error">It cannot be sent yet.</param>
internal readonly record struct SendContent(byte[]? Body, SendOutcome? Problem = null, string? Error = null);

/// <summary>Makes the request body of a job when it runs: whom it is for now, and what the placeholders say now.</summary>
internal sealed class SendContents(NpgsqlDataSource database, MemberLookup members, InstanceTenants instances)
{
    /// <summary>The body of a job.</summary>
    /// <exception cref="Grpc.Core.RpcException">Membership cannot be asked now.</exception>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public async Task<SendContent> MakeAsync(StartedJob job, CancellationToken cancellationToken)
    {
        Message message;
        Subject subject;
        try
        {
            message = JsonSerializer.Deserialize(job.Message, MessageJson.Default.Message)!;
            subject = JsonSerializer.Deserialize(job.Subject, SubjectJson.Default.Subject)!;
        }
        catch (JsonException)
        {
            return Never("the message cannot be read");
        }

        if (!instances.MaySend(job.Tenant, job.InstanceId, message.SessionId))
            return Never("the instance is not one of this tenant's");
        var values = await ValuesAsync(job.Tenant, subject, cancellationToken);
        var rendered = job.Kind == "automation" ? MessageTexts.Render(message, values.GetValueOrDefault) : message;
        var to = rendered.To is { Length: > 0 } given ? given : values.GetValueOrDefault(subject.Lead is null ? "member.phone" : "lead.phone");
        to = MessageRules.Plain(to ?? "");
        if (to.Length == 0)
            return subject.Lid is null ? Never("there is no number to send to") : new SendContent(null, Error: "no number is known for the person yet");
        if (!MessageRules.IsRecipient(to))
            return Never("the recipient is neither a number nor a JID");
        if (await NumberAsync(job.Tenant, to, cancellationToken) is not { } number)
            return new SendContent(null, Error: "no number is known for the person yet");
        if (MessageRules.LackOf(rendered) is { } lack)
            return Never(lack);
        return new SendContent(BodyOf(rendered, number, job));
    }

    /// <summary>The request body that the broker takes.</summary>
    internal static byte[] BodyOf(Message message, string to, StartedJob job)
    {
        var output = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteString("sessionId", message.SessionId ?? job.InstanceId);
        json.WriteString("instanceId", job.InstanceId);
        json.WriteString("to", to);
        json.WriteString("type", message.Type);
        json.WriteString("message", message.Content ?? "");
        if (message.Type == MessageType.Text)
            json.WriteString("text", message.Content);
        if (message.PreviewUrl is { } preview)
            json.WriteBoolean("previewUrl", preview);
        if (message.ExternalId is { } externalId)
            json.WriteString("externalId", externalId);
        if (message.Media is { } media)
        {
            json.WriteString("mediaUrl", media.Url);
            if (media.MimeType is { } type)
                json.WriteString("mimeType", type);
            if (media.FileName is { } name)
                json.WriteString("fileName", name);
        }

        Write(json, "location", message.Location);
        Write(json, "template", message.Template);
        WriteMetadata(json, message.Metadata, job.SendKey);
        json.WriteEndObject();
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Values by placeholder.</summary>
    private async Task<IReadOnlyDictionary<string, string>> ValuesAsync(string tenant, Subject subject, CancellationToken cancellationToken)
    {
        if (subject.Values is { } posted)
            return posted;
        if (subject.Lead is { } lead)
        {
            var facts = await LeadTable.FactsAsync(database, new LeadKey(tenant, lead), cancellationToken);
            return facts.ToDictionary(static fact => "lead." + fact.Key, static fact => fact.Value);
        }

        var values = new Dictionary<string, string>();
        if (subject.Group is not { } group)
            return values;
        var member = await members.FindAsync(tenant, subject.Lid ?? subject.Phone ?? "", cancellationToken);
        Add("member.phone", member?.Phone ?? MemberLookup.PhoneOf(subject.Phone));
        Add("member.name", member?.Name);
        Add("group.subject", await members.SubjectAsync(tenant, group, cancellationToken));
        return values;

        void Add(string name, string? value)
        {
            if (value is not null)
                values[name] = value;
        }
    }

    /// <summary>What brokers take: a group's JID as it is, else digits; null when a LID's number is not known.</summary>
    private async Task<string?> NumberAsync(string tenant, string to, CancellationToken cancellationToken)
    {
        if (!to.Contains('@', StringComparison.Ordinal))
            return to.TrimStart('+');
        var jid = Jid.Parse(to);
        if (jid.IsLid)
            return (await members.FindAsync(tenant, jid.Value, cancellationToken))?.Phone;
        return jid.IsPhone ? jid.User.ToString() : jid.Value;
    }

    private static SendContent Never(string why) => new(null, new SendOutcome(SendOutcome.Failed, "permanent", Error: why, DefiniteRefusal: true));

    private static void Write(Utf8JsonWriter json, string name, JsonElement? block)
    {
        if (block is not { } given)
            return;
        json.WritePropertyName(name);
        given.WriteTo(json);
    }

    // Brokers that read no header look for the key here.
    private static void WriteMetadata(Utf8JsonWriter json, JsonElement? metadata, string key)
    {
        json.WriteStartObject("metadata");
        if (metadata is { ValueKind: JsonValueKind.Object } given)
        {
            foreach (var member in given.EnumerateObject().Where(static m => m.Name != "idempotencyKey"))
                member.WriteTo(json);
        }

        json.WriteString("idempotencyKey", key);
        json.WriteEndObject();
    }
}
