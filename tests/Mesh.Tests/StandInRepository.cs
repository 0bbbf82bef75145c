using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>
/// A folder that the launcher takes for the repository: one app, which waits, and where the development sidecar would be a program that writes
/// down what it was given and ends.
/// </summary>
internal sealed class StandInRepository : IDisposable
{
    private const string RunFile =
        """
        version: 1
        common:
          appProtocol: h2c
          resourcesPaths: [components]
          configFilePath: components/configuration.yaml
          maxBodySize: 16Mi
          logLevel: warn
        apps:
          - appID: dispatch
            appDirPath: services/dispatch
            command: ["/bin/sh", "-c", "exec sleep 600"]
            appPort: 5130
            daprHTTPPort: 3530
            daprGRPCPort: 50031
            env: { HTTP_PORT: "5131", SHARED: "both may read it" }
        """;

    private const string Recorder =
        """
        #!/bin/sh
        to="$(dirname "$0")/seen"
        mkdir -p "$to/resources"
        printf '%s\n' "$@" >"$to/arguments"
        env -0 >"$to/environment"
        pwd >"$to/folder"
        while [ $# -gt 0 ]; do
            [ "$1" = --resources-path ] && cp "$2"/* "$to/resources/"
            shift
        done
        echo 'this is no daprd'
        exit 7
        """;

    private readonly string _prefix = $"stand_in_{Guid.NewGuid():N}_";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("mesh-stand-in-");

    public StandInRepository()
    {
        Write("dapr.yaml", RunFile);
        foreach (var file in Directory.GetFiles(Path.Combine(MeshRepository.Find(), "components")))
            Write(Path.Combine("components", Path.GetFileName(file)), File.ReadAllText(file));
        Write("services/dispatch/.keep", "");
        WriteProgram("artifacts/bin/BrokerSim/release/brokersim", "#!/bin/sh\nexec sleep 600\n");
        WriteProgram("artifacts/bin/DevSidecar/release/daprd", Recorder);
        WriteProgram("elsewhere/daprd", Recorder);
    }

    /// <summary>The program that stands for a real daprd.</summary>
    public string OtherDaprd => Path.Combine(_root.FullName, "elsewhere", "daprd");

    public string PathOf(string name) => Path.Combine(_root.FullName, name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
    }

    /// <summary>Starts a mesh, which cannot become ready, and gives the sentence that says why.</summary>
    public async Task<string> StartAsync(Func<MeshOptions, MeshOptions>? change = null)
    {
        var options = new MeshOptions
        {
            Repository = _root.FullName,
            Folder = new MeshFolder(PathOf(".mesh")),
            EphemeralPorts = true,
            Postgres = await TestDatabase.ServerAsync(),
            DatabasePrefix = _prefix,
            RemoveDataAtStop = true,
        };
        return (await Assert.ThrowsAsync<MeshException>(() => MeshInstance.StartAsync(change is null ? options : change(options)))).Message;
    }

    /// <summary>What a sidecar was given; null when it was never started.</summary>
    /// <param name="daprd">Path of the program.</param>
    public static Seen? WhatWasSeen(string daprd)
    {
        var folder = Path.Combine(Path.GetDirectoryName(daprd)!, "seen");
        return !Directory.Exists(folder) ? null : new Seen(
            File.ReadAllLines(Path.Combine(folder, "arguments")),
            File.ReadAllText(Path.Combine(folder, "environment")).Split('\0', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1]),
            File.ReadAllText(Path.Combine(folder, "folder")).Trim(),
            Directory.GetFiles(Path.Combine(folder, "resources")).ToDictionary(file => Path.GetFileName(file), File.ReadAllText));
    }

    public void Dispose() => _root.Delete(recursive: true);

    private void WriteProgram(string name, string text)
    {
        Write(name, text);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(PathOf(name), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

/// <summary>What a sidecar was started with.</summary>
internal sealed record Seen(
    IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string Folder, IReadOnlyDictionary<string, string> Resources);
