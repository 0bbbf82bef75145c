namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>An HTTPEndpoint resource: a service outside the mesh that is invoked by name.</summary>
/// <param name="Name">Name used in place of an app id.</param>
/// <param name="BaseUrl">Address every method path is appended to.</param>
/// <param name="Headers">Headers added to each request, secrets resolved.</param>
public sealed record HttpEndpoint(string Name, Uri BaseUrl, IReadOnlyList<KeyValuePair<string, string>> Headers)
{
    internal static HttpEndpoint Read(ResourceDocument document, SecretReferences secrets)
    {
        var root = document.Root.Ignore("apiVersion", "kind", "metadata", "scopes");
        var spec = root.Object("spec");
        var text = spec.Required("baseUrl");
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
            throw new Hosting.StartFailure($"{root.Place} {document.Name}: baseUrl must be an http or https address, not '{text}'.");

        var store = root.Object("auth") is { Exists: true } auth ? auth.Text("secretStore") : null;
        var headers = new List<KeyValuePair<string, string>>();
        foreach (var header in spec.Objects("headers"))
        {
            var name = header.Required("name");
            // Without its secret the header is left out: the endpoint then refuses calls, which is no reason for the sidecar not to start.
            if ((header.Text("value") ?? secrets.ResolveIfThere(header, store, $"{root.Place} {document.Name}: {name}")) is { } value)
                headers.Add(new(name, value));
            header.Done();
        }

        spec.Done();
        root.Done();
        return new HttpEndpoint(document.Name, address, headers);
    }
}
