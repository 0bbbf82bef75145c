using System.Text.RegularExpressions;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>
/// The calls that the documents tell operators to make at a service's own sidecar: there the service itself is the caller. In a synopsis,
/// <c>a|b</c> stands for either.
/// </summary>
internal static partial class OperatorCalls
{
    /// <summary>Those of docs/ and the README.</summary>
    public static IReadOnlyList<Call> Documented()
    {
        var repository = MeshRepository.Find();
        var texts = Directory.GetFiles(Path.Combine(repository, "docs"), "*.md").Append(Path.Combine(repository, "README.md")).Select(File.ReadAllText);
        return [.. texts.SelectMany(In).Distinct()];
    }

    /// <summary>Those of one text.</summary>
    public static IEnumerable<Call> In(string text) => Invocations().Matches(text).Concat(Addresses().Matches(text))
        .SelectMany(static match => match.Groups["app"].Value.Split('|')
            .SelectMany(app => MethodsIn(match.Groups["method"].Value).Select(method => new Call(app, app, "POST", "/" + method))));

    private static IEnumerable<string> MethodsIn(string synopsis)
    {
        var slash = synopsis.LastIndexOf('/') + 1;
        return synopsis[slash..].Split('|').Select(last => synopsis[..slash] + last);
    }

    [GeneratedRegex(@"dapr invoke (?:-a|--app-id) (?<app>[\w|-]+) (?:-m|--method) (?<method>[\w/|-]+)")]
    private static partial Regex Invocations();

    [GeneratedRegex(@"/v1\.0/invoke/(?<app>[\w-]+)/method/(?<method>[\w/-]+)")]
    private static partial Regex Addresses();
}
