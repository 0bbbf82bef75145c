using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>What the app wants of a message.</summary>
internal enum AppStatus
{
    /// <summary>Done.</summary>
    Success,

    /// <summary>Again, as far as the policy goes.</summary>
    Retry,

    /// <summary>Never again: dead letter if there is a topic for it, else gone.</summary>
    Drop,
}

/// <summary>Reads the app's answers to deliveries.</summary>
internal static class AppAnswers
{
    /// <summary>Status of a single delivery answered with 2xx: anything that does not name a status is a success.</summary>
    public static AppStatus Single(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { AllowMultipleValues = true });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return AppStatus.Success;

            var status = AppStatus.Success;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isStatus = Ascii.EqualsIgnoreCase(reader.ValueSpan, "status"u8);
                reader.Read();
                if (isStatus && reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                    return AppStatus.Success;
                if (isStatus)
                    status = reader.TokenType == JsonTokenType.Null || reader.ValueSpan.IsEmpty ? AppStatus.Success : Named(reader.ValueSpan);
                else
                    reader.Skip();
            }

            return status;
        }
        catch (JsonException)
        {
            return AppStatus.Success;
        }
    }

    /// <summary>Statuses of a bulk delivery by entry id; an entry without one is to be retried. Null when the body cannot be read.</summary>
    public static Dictionary<string, AppStatus>? Bulk(ReadOnlySpan<byte> body)
    {
        var statuses = new Dictionary<string, AppStatus>();
        try
        {
            var reader = new Utf8JsonReader(body, new JsonReaderOptions { AllowMultipleValues = true });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return null;

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isStatuses = Ascii.EqualsIgnoreCase(reader.ValueSpan, "statuses"u8);
                reader.Read();
                if (!isStatuses || reader.TokenType != JsonTokenType.StartArray)
                {
                    reader.Skip();
                    continue;
                }

                while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    ReadEntry(ref reader, statuses);
            }

            return statuses;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void ReadEntry(ref Utf8JsonReader reader, Dictionary<string, AppStatus> statuses)
    {
        string? entryId = null;
        var status = AppStatus.Retry;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isId = Ascii.EqualsIgnoreCase(reader.ValueSpan, "entryId"u8);
            var isStatus = Ascii.EqualsIgnoreCase(reader.ValueSpan, "status"u8);
            reader.Read();
            if (isId)
                entryId = reader.GetString();
            else if (isStatus)
                status = reader.TokenType == JsonTokenType.String ? Named(reader.ValueSpan) : AppStatus.Retry;
            else
                reader.Skip();
        }

        if (entryId is not null)
            statuses[entryId] = status;
    }

    private static AppStatus Named(ReadOnlySpan<byte> status) =>
        status.SequenceEqual("SUCCESS"u8) ? AppStatus.Success
        : status.SequenceEqual("DROP"u8) ? AppStatus.Drop
        : AppStatus.Retry;
}
