using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.Components.Metadata;

/// <summary>
/// Refuses what a component of Dapr would not start with, so that a mesh that runs beside this sidecar runs beside the real one. No sentence
/// names a value: it may be a secret.
/// </summary>
internal static class ComponentSettings
{
    // What a kind of login needs beside its name.
    private static readonly Dictionary<string, string[]> KafkaLogins = new(StringComparer.OrdinalIgnoreCase)
    {
        ["password"] = ["saslUsername", "saslPassword"],
        ["certificate"] = ["caCert"],
        ["oidc"] = ["oidcTokenEndpoint", "oidcClientID", "oidcClientSecret"],
        ["oidc_private_key_jwt"] = ["oidcTokenEndpoint", "oidcClientID", "oidcClientAssertionCert", "oidcClientAssertionKey"],
    };

    /// <exception cref="StartFailure">A setting is none that the component has, is missing, or is not of the form that it reads.</exception>
    public static void Check(ResourceSet resources)
    {
        foreach (var component in resources.Components.Values)
        {
            if (ComponentTable.Of(component.Type) is not { } facts)
                continue;
            CheckNames(component, facts, resources);
            CheckForms(component, facts);
            if (component.Type == "pubsub.kafka")
                CheckKafka(component);
            if (component.Type is "state.postgresql" or "state.postgres")
                _ = PostgresSettings.Read(component);
        }
    }

    private static void CheckNames(Component component, ComponentFacts facts, ResourceSet resources)
    {
        foreach (var name in component.Metadata.Keys.Where(name => !facts.Settings.ContainsKey(name)))
        {
            if (!ComponentTable.IsKnown(name))
                throw Wrong(component, $"Dapr's {component.Type} has no setting {name}, and would pass over it. Check how it is spelled.");
            resources.Warn($"Component {component.Name}: {name} is no setting of {component.Type} and is left alone.");
        }
    }

    private static void CheckForms(Component component, ComponentFacts facts)
    {
        foreach (var (name, value) in component.Metadata)
        {
            if (facts.Settings.TryGetValue(name, out var form) && !form.Accepts(value))
                throw Wrong(component, $"{name} must be {form.Wanted}.");
        }

        if (facts.Required.FirstOrDefault(name => string.IsNullOrEmpty(component.Setting(name)) && !IsDerived(component, name)) is { } missing)
            throw Wrong(component, $"{missing} is missing: Dapr's {component.Type} does not start without it.");
    }

    // An older name from which Kafka's kind of login follows.
    private static bool IsDerived(Component component, string name) => name == "authType" && !string.IsNullOrEmpty(component.Setting("authRequired"));

    private static void CheckKafka(Component component)
    {
        var login = component.Setting("authType") ?? "";
        if (KafkaLogins.GetValueOrDefault(login, []).FirstOrDefault(name => string.IsNullOrEmpty(component.Setting(name))) is { } missing)
            throw Wrong(component, $"{missing} is missing: authType {login} needs it.");
        bool Has(string name) => !string.IsNullOrEmpty(component.Setting(name));
        if (login.Equals("mtls", StringComparison.OrdinalIgnoreCase) && Has("clientCert") != Has("clientKey"))
            throw Wrong(component, "clientCert and clientKey go together: one of them is missing.");
        // Its code looks these up as they are written here, and passes over any other spelling.
        var other = component.Metadata.Keys.FirstOrDefault(name => name.Equals("initialOffset", StringComparison.OrdinalIgnoreCase));
        if (other is not (null or "initialOffset"))
            throw Wrong(component, $"{other} would be passed over: Dapr's pubsub.kafka knows it as initialOffset only, capitals included.");
    }

    private static StartFailure Wrong(Component component, string what) => new($"Component {component.Name}: {what}");
}

/// <summary>The connection of a PostgreSQL component.</summary>
internal static class PostgresSettings
{
    private static readonly string[] Own = ["host", "hostaddr", "port", "database", "user", "password", "sslRootCert"];

    /// <summary>Reads it by the rules of daprd and pgx.</summary>
    /// <exception cref="StartFailure">They would refuse it.</exception>
    public static PgxConnection Read(Component component)
    {
        var own = Own.Where(name => !string.IsNullOrEmpty(component.Setting(name)))
            .ToDictionary(name => name.ToLowerInvariant(), name => component.Setting(name)!);
        try
        {
            return PgxConnection.Parse(component.Setting("connectionString") ?? component.Setting("url") ?? "", own);
        }
        catch (FormatException e)
        {
            throw new StartFailure($"Component {component.Name}: connectionString: {e.Message}.");
        }
    }
}
