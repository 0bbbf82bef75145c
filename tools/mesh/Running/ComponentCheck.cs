using System.Globalization;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>
/// Looks through the component files that a sidecar is going to read for what it would take and come to grief with later. What cannot be read
/// here (a vault's secret, a broken file) is left to the sidecar.
/// </summary>
internal static class ComponentCheck
{
    // daprd's own default, from the client that it uses.
    private const int ConnectionsPerProcessor = 10;

    private static readonly string[] ConnectionNames = ["connectionString", "url"];

    private static readonly string[] OwnConnectionSettings = ["host", "hostaddr", "port", "database", "user", "password", "sslRootCert"];

    /// <summary>Checks the components of an app.</summary>
    /// <param name="app">The app, with the folders that its sidecar reads.</param>
    /// <param name="environment">The sidecar's environment.</param>
    /// <exception cref="MeshException">Something is wrong; the message names each file, component and setting, and never a value.</exception>
    public static void Require(RunFileApp app, Func<string, string?> environment)
    {
        var resources = app.ResourcesPaths.SelectMany(ComponentFile.Load).Where(resource => resource.IsFor(app.AppId)).ToList();
        var secrets = new ComponentSecrets(resources, app.AppDirectory, environment);
        var faults = resources.Where(resource => resource.Kind == "Component")
            .SelectMany(component => Faults(component, app, resources, secrets)
                .Select(fault => $"{component.File}: component {component.Name}: {fault}"))
            .ToList();
        if (faults.Count > 0)
            throw new MeshException(string.Join(Environment.NewLine, faults));
    }

    private static IEnumerable<string> Faults(
        ComponentFile component, RunFileApp app, IReadOnlyList<ComponentFile> resources, ComponentSecrets secrets)
    {
        if (component.Type.EndsWith(".postgresql", StringComparison.Ordinal) || component.Type.EndsWith(".postgres", StringComparison.Ordinal))
            return Connection(component, secrets);
        return component.Type == "pubsub.redis" ? Pool(component, app.AppId, resources, secrets) : [];
    }

    private static IEnumerable<string> Connection(ComponentFile component, ComponentSecrets secrets)
    {
        var own = OwnConnectionSettings
            .Select(name => (Name: name.ToLowerInvariant(), Value: secrets.Read(component, name)))
            .Where(setting => !string.IsNullOrEmpty(setting.Value))
            .ToDictionary(setting => setting.Name, setting => setting.Value!);
        foreach (var name in ConnectionNames)
        {
            if (secrets.Read(component, name) is not { } text)
                continue;
            var wrong = Wrong(text, own);
            if (wrong is not null)
                yield return $"{name}{Origin(component, name)}: {wrong}.";
        }
    }

    private static string? Wrong(string text, Dictionary<string, string> own)
    {
        try
        {
            _ = PgxConnection.Parse(text, own);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
    }

    private static string Origin(ComponentFile component, string name) =>
        ComponentFile.Map(component.Setting(name), "secretKeyRef") is { } reference ? $" (secret {ComponentFile.Text(reference, "name")})" : "";

    /// <summary>
    /// Each subscribed topic reads with a call that waits, on a connection of the pool that it keeps for good. An app with as many topics as
    /// connections gets its events, and neither publishes nor acknowledges any more.
    /// </summary>
    private static IEnumerable<string> Pool(ComponentFile component, string appId, IReadOnlyList<ComponentFile> resources, ComponentSecrets secrets)
    {
        var topics = resources.Where(resource => resource.Kind == "Subscription" && ComponentFile.Text(resource.Spec, "pubsubname") == component.Name)
            .Select(resource => ComponentFile.Text(resource.Spec, "topic")).Distinct().Count();
        var given = secrets.Read(component, "poolSize");
        if (given is not null && GoValues.ParseInt(given) is null)
        {
            yield return "poolSize must be a whole number.";
            yield break;
        }

        var size = given is not null && GoValues.ParseInt(given) is > 0 and var set ? set : ConnectionsPerProcessor * Environment.ProcessorCount;
        if (size <= topics)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{appId} subscribes to {topics} of its topics, each keeps one of the pool's {size} connections for good, and none is left "
                + $"to publish or acknowledge with. Set poolSize to {2 * topics + 4} or more.");
        }
    }
}
