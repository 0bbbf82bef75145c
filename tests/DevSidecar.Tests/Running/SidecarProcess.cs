using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>A sidecar in a process of its own, as the mesh starts it, to be stopped or killed.</summary>
internal sealed class SidecarProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _folder;
    private readonly StringBuilder _output;

    private SidecarProcess(Process process, string folder, int port, int grpcPort, StringBuilder output)
    {
        _process = process;
        _folder = folder;
        _output = output;
        Http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        Grpc = new Uri($"http://127.0.0.1:{grpcPort}");
    }

    public HttpClient Http { get; }

    /// <summary>Its gRPC API.</summary>
    public Uri Grpc { get; }

    /// <summary>What the process has written so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts a sidecar and waits until its API is there.</summary>
    public static async Task<SidecarProcess> StartAsync(string database, string appId, int? appPort, string[] resources, params (string Name, string Value)[] environment)
    {
        var folder = Directory.CreateTempSubdirectory("devsidecar-process-").FullName;
        foreach (var (index, yaml) in resources.Index())
            await File.WriteAllTextAsync(Path.Combine(folder, $"{index}.yaml"), yaml);
        var (port, grpcPort) = (FreePorts.Next(), FreePorts.Next());
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "daprd"))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            ArgumentList = { "--app-id", appId, "--dapr-http-port", Text(port), "--dapr-grpc-port", Text(grpcPort), "--resources-path", folder },
            Environment = { ["DEVSIDECAR_DATABASE"] = database },
        };
        if (appPort is { } app)
        {
            foreach (var argument in new[] { "--app-port", Text(app), "--app-protocol", "h2c" })
                start.ArgumentList.Add(argument);
        }

        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var output = new StringBuilder();
        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var sidecar = new SidecarProcess(process, folder, port, grpcPort, output);
        await Eventually.TrueAsync(sidecar.IsUpAsync, "the sidecar process answers");
        return sidecar;
    }

    /// <summary>Ends the process as kill -9 does.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>Asks the process to stop, as SIGTERM does, and waits until it has.</summary>
    /// <returns>Its exit code.</returns>
    public async Task<int> StopAsync()
    {
        using (var kill = Process.Start("kill", ["-TERM", Text(_process.Id)]))
            await kill.WaitForExitAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        Http.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<bool> IsUpAsync()
    {
        if (_process.HasExited)
            throw new InvalidOperationException($"The sidecar process ended with {_process.ExitCode}: {Output}");

        try
        {
            using var answer = await Http.GetAsync("/v1.0/healthz/outbound");
            return answer.StatusCode == HttpStatusCode.NoContent;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static void Append(StringBuilder output, string? line)
    {
        lock (output)
            output.AppendLine(line);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
