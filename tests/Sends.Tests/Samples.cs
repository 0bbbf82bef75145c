namespace WhatsAppMesh.Sends.Tests;

/// <summary>The sample requests and answers of brokers: in <c>$MESH_SHARED</c>, else in <c>shared</c> beside the repository.</summary>
internal static class Samples
{
    public static string Path(string name) => System.IO.Path.Combine(
        System.IO.Path.GetDirectoryName(System.IO.Path.GetDirectoryName(DevSidecar.Tests.Running.SharedFiles.Vector("x")))!, "payloads", name);
}
