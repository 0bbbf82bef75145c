namespace WhatsAppMesh.DevSidecar.Tests.State;

internal static class StateComponents
{
    /// <summary>A state component; settings are written as <c>name=value</c>.</summary>
    public static string Yaml(string name, string type = "state.postgresql", string version = "v2", params string[] settings) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: {name}
        spec:
          type: {type}
          version: {version}
          metadata:
          - name: connectionString
            value: "host=nowhere"
        {string.Join('\n', settings.Select(setting => $"  - name: {setting.Split('=')[0]}\n    value: \"{setting.Split('=', 2)[1]}\""))}
        """;
}
