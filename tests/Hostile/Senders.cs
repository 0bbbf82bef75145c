using System.Globalization;

namespace WhatsAppMesh.Hostile;

/// <summary>Who may post in these tests, and with which secrets. All of them belong to one tenant.</summary>
public static class Senders
{
    public const string Tenant = "hostile";
    public const string InternalToken = "internal-token-of-the-hostile-tests";
    public const string Secret = "collector-secret-of-the-hostile-tests";
    public const string ExpiredSecret = "expired-secret-of-the-hostile-tests";
    public const string FutureSecret = "future-secret-of-the-hostile-tests";
    public const string TriggerSecret = "trigger-secret-of-the-hostile-tests";
    public const string ApiKey = "api-key-of-the-hostile-tests";
    public const string WahaSecret = "waha-secret-of-the-hostile-tests";
    public const string EvolutionKey = "evolution-key-of-the-hostile-tests";

    /// <summary>Key of the Standard Webhooks secret.</summary>
    public static readonly byte[] WebhookKey = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    /// <summary>Text that stands in no log, whatever happens.</summary>
    public static IEnumerable<string> Secrets =>
        [InternalToken, Secret, ExpiredSecret, FutureSecret, TriggerSecret, ApiKey, WahaSecret, EvolutionKey, Convert.ToBase64String(WebhookKey)];

    /// <summary>Edge's settings.</summary>
    public static Dictionary<string, string> Settings(Uri ingest)
    {
        var settings = new Dictionary<string, string>
        {
            ["Edge__Ingest__Address"] = ingest.ToString(),
            // A slow body is found out soon; a fast one on a slow machine has time.
            ["Edge__Limits__MinBodyRateGraceSeconds"] = "2",
            ["Edge__Limits__BodyTimeoutSeconds"] = "60",
        };
        Add(settings, "Sources", 0, "default", Secret, ExpiredSecret, FutureSecret, "whsec_" + Convert.ToBase64String(WebhookKey));
        settings["Edge__Sources__0__RequestsPerSecond"] = "0";
        settings["Edge__Sources__0__Secrets__1__Expires"] = "2026-01-01T00:00:00Z";
        settings["Edge__Sources__0__Secrets__2__NotBefore"] = "2999-01-01T00:00:00Z";
        string[] schemes = ["", "github", "stripe", "linear"];
        for (var i = 0; i < schemes.Length; i++)
        {
            Add(settings, "Triggers", i, "on-" + (schemes[i].Length > 0 ? schemes[i] : "plain"), TriggerSecret);
            if (schemes[i].Length > 0)
                settings[string.Create(CultureInfo.InvariantCulture, $"Edge__Triggers__{i}__Scheme")] = schemes[i];
        }
        Add(settings, "Crm", 0, "crm", ApiKey);
        Add(settings, "Broker", 0, "broker", ApiKey);
        Add(settings, "Waha", 0, "default", WahaSecret);
        Add(settings, "Evolution", 0, "evolution", EvolutionKey);
        return settings;
    }

    private static void Add(Dictionary<string, string> settings, string kind, int index, string name, params string[] secrets)
    {
        var sender = string.Create(CultureInfo.InvariantCulture, $"Edge__{kind}__{index}");
        settings[sender + "__Name"] = name;
        settings[sender + "__Tenant"] = Tenant;
        for (var i = 0; i < secrets.Length; i++)
        {
            settings[string.Create(CultureInfo.InvariantCulture, $"{sender}__Secrets__{i}__Id")] = string.Create(CultureInfo.InvariantCulture, $"s{i}");
            settings[string.Create(CultureInfo.InvariantCulture, $"{sender}__Secrets__{i}__Value")] = secrets[i];
        }
    }
}
