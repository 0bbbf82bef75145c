using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class RunFileTests
{
    private const string Two =
        """
        version: 1
        common:
          appProtocol: h2c
          resourcesPaths: [components]
          env:
            SHARED: from common
            BOTH: from common
        apps:
          - appID: one
            appDirPath: services/one
            command: ["dotnet", "exec", "one.dll"]
            appPort: 5100
            daprHTTPPort: 3500
            daprGRPCPort: 50001
            env:
              HTTP_PORT: "8080"
              BOTH: from one
          - appID: two
            appDirPath: services/two
            command: ["dotnet", "exec", "two.dll"]
            appPort: 5110
            daprHTTPPort: 3510
            daprGRPCPort: 50011
            appProtocol: http
            env: { HTTP_PORT: "8081" }
        """;

    [Fact]
    public void Common_settings_apply_unless_the_app_has_its_own()
    {
        var file = RunFile.Parse(Two, "/mesh/dapr.yaml");

        Assert.Equal(["one", "two"], file.Apps.Select(a => a.AppId));
        Assert.Equal(["h2c", "http"], file.Apps.Select(a => a.AppProtocol));
        Assert.Equal("from common", file.Apps[0].Environment["SHARED"]);
        Assert.Equal("from one", file.Apps[0].Environment["BOTH"]);
        Assert.Equal("from common", file.Apps[1].Environment["BOTH"]);
    }

    [Fact]
    public void Paths_are_relative_to_the_file()
    {
        var app = RunFile.Parse(Two, "/mesh/dapr.yaml").Apps[0];

        Assert.Equal("/mesh/services/one", app.AppDirectory);
        Assert.Equal(["/mesh/components"], app.ResourcesPaths);
    }

    [Theory]
    [InlineData("appPort: 5110", "enableAppHealthCheck: true", "enableAppHealthCheck")]
    [InlineData("version: 1", "version: 2", "version is 2")]
    [InlineData("appID: two", "appID: one", "'one' stands there 2 times")]
    [InlineData("    daprHTTPPort: 3510\n", "", "app 'two' needs appPort, daprHTTPPort and daprGRPCPort")]
    [InlineData("HTTP_PORT: \"8081\"", "HTTP_PORT: none", "app 'two' needs a number as env HTTP_PORT")]
    public void What_cannot_be_honoured_is_refused_by_name(string written, string instead, string expected)
    {
        var refused = Assert.Throws<MeshException>(() => RunFile.Parse(Two.Replace(written, instead, StringComparison.Ordinal), "/mesh/dapr.yaml"));

        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.CannotStart, refused.ExitCode);
    }

    [Fact]
    public void The_repository_s_own_run_file_starts_every_service_over_cleartext_http2()
    {
        var file = RunFile.Load(Path.Combine(MeshRepository.Find(), "dapr.yaml"));

        Assert.Equal(["edge", "ingest", "membership", "dispatch"], file.Apps.Select(a => a.AppId).Take(4));
        Assert.All(file.Apps, app => Assert.Equal("h2c", app.AppProtocol));
    }

    [Fact]
    public void The_first_process_of_an_app_has_the_ports_of_the_file_and_further_ones_have_free_ports()
    {
        var options = Options() with { Replicas = new Dictionary<string, int> { ["two"] = 2 } };
        var services = RunPlan.Make(RunFile.Parse(Two, "/mesh/dapr.yaml"), options);

        Assert.Equal(["one", "two", "two-2"], services.Select(s => s.Name));
        Assert.Equal((5110, 8081, 3510, 50011), (services[1].AppPort, services[1].HttpPort, services[1].DaprHttpPort, services[1].DaprGrpcPort));
        var ports = services.SelectMany(s => s.Ports()).Select(p => p.Port).ToList();
        Assert.Equal(ports.Count, ports.Distinct().Count());
    }

    [Fact]
    public void Ephemeral_meshes_share_no_port_with_the_file()
    {
        var services = RunPlan.Make(RunFile.Parse(Two, "/mesh/dapr.yaml"), Options() with { EphemeralPorts = true });

        Assert.DoesNotContain(services.SelectMany(s => s.Ports()), p => p.Port is 5100 or 5110 or 8080 or 8081 or 3500 or 3510 or 50001 or 50011);
    }

    [Fact]
    public void Replicas_of_an_unknown_app_are_a_usage_error()
    {
        var options = Options() with { Replicas = new Dictionary<string, int> { ["three"] = 2 } };

        var refused = Assert.Throws<MeshException>(() => RunPlan.Make(RunFile.Parse(Two, "/mesh/dapr.yaml"), options));

        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
        Assert.Contains("one, two", refused.Message, StringComparison.Ordinal);
    }

    private static MeshOptions Options() => new() { Repository = "/mesh", Folder = new MeshFolder("/mesh/.mesh") };
}
