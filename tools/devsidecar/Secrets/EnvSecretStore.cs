using System.Collections;

namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>
/// <c>secretstores.local.env</c>: the environment variables of the sidecar, optionally only those with a prefix, which is left out of
/// their names. Dapr's own variables, tokens among them, are never secrets of an app.
/// </summary>
internal sealed class EnvSecretStore(string prefix) : ISecretStore
{
    public IReadOnlyDictionary<string, string>? Get(string name) =>
        IsAllowed(prefix + name) && Environment.GetEnvironmentVariable(prefix + name) is { } value
            ? new Dictionary<string, string> { [name] = value }
            : null;

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> GetAll()
    {
        var all = new SortedDictionary<string, IReadOnlyDictionary<string, string>>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var full = (string)variable.Key;
            if (full.Length <= prefix.Length || !full.StartsWith(prefix, StringComparison.Ordinal) || !IsAllowed(full))
                continue;

            var name = full[prefix.Length..];
            all[name] = new Dictionary<string, string> { [name] = (string?)variable.Value ?? "" };
        }

        return all;
    }

    private static bool IsAllowed(string variable) =>
        !variable.Equals("APP_API_TOKEN", StringComparison.OrdinalIgnoreCase)
        && !variable.StartsWith("DAPR_", StringComparison.OrdinalIgnoreCase)
        && !variable.StartsWith("DEVSIDECAR_", StringComparison.OrdinalIgnoreCase);
}
