using System.CommandLine;
using WhatsAppMesh.Mesh.Commands;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>When the local mesh lives under the rules of a cluster, and what the sidecars are given for it.</summary>
public sealed class AccessControlOptionTests
{
    private static readonly MeshOptions Options = new() { Repository = "/mesh", Folder = new MeshFolder("/mesh/.mesh") };

    [Theory]
    [InlineData(null, true)]
    [InlineData("--access-control", true)]
    [InlineData("--access-control=on", true)]
    [InlineData("--access-control=off", false)]
    public void It_is_on_unless_it_is_switched_off(string? argument, bool on)
    {
        var asked = Ask(Options, argument);

        Assert.Equal(on, asked.ChecksAccess);
        Assert.Equal(on ? null : AccessControlOption.SwitchedOff, AccessControlOption.SentenceFor(asked));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("--access-control=on")]
    [InlineData("--access-control=off")]
    public void A_real_daprd_knows_nobody_so_it_is_off_and_that_is_said(string? argument)
    {
        var asked = Ask(Options with { Daprd = "/usr/local/bin/daprd" }, argument);

        Assert.False(asked.ChecksAccess);
        Assert.Contains("without Sentry gives nobody an identity", AccessControlOption.SentenceFor(asked)!, StringComparison.Ordinal);
    }

    [Fact]
    public void Anything_else_is_refused()
    {
        var option = AccessControlOption.Create();

        Assert.NotEmpty(new Command("up") { option }.Parse(["--access-control=perhaps"]).Errors);
    }

    [Fact]
    public void A_sidecar_is_given_the_rules_of_its_app_beside_what_all_sidecars_have()
    {
        var repository = MeshRepository.Find();
        var services = RunPlan.Make(RunFile.Load(Path.Combine(repository, "dapr.yaml")), Options with { EphemeralPorts = true });

        Assert.True(ServiceSettings.HaveAccessControl(services.Select(static service => service.App)));
        Assert.All(services, service =>
        {
            Assert.Equal([Config(repository, "configuration.yaml"), Config(repository, $"access-control/{service.App.AppId}.yaml")], ConfigsOf(service, checksAccess: true));
            Assert.Equal([Config(repository, "configuration.yaml")], ConfigsOf(service, checksAccess: false));
        });
    }

    [Fact]
    public void An_app_without_rules_is_named()
    {
        var repository = MeshRepository.Find();
        var service = RunPlan.Make(RunFile.Load(Path.Combine(repository, "dapr.yaml")), Options with { EphemeralPorts = true })[0];
        var stranger = service with { App = service.App with { AppId = "stranger" } };

        Assert.Contains("access-control/stranger.yaml is missing", Assert.Throws<MeshException>(() => ConfigsOf(stranger, checksAccess: true)).Message, StringComparison.Ordinal);
        Assert.False(ServiceSettings.HaveAccessControl([service.App with { ConfigFile = "/older/release/components/configuration.yaml" }]));
    }

    private static MeshOptions Ask(MeshOptions options, string? argument)
    {
        var option = AccessControlOption.Create();
        var parsed = new Command("up") { option }.Parse(argument is null ? [] : [argument]);
        Assert.Empty(parsed.Errors);
        return options.With(parsed, option, new Screen(json: true));
    }

    private static List<string> ConfigsOf(PlannedService service, bool checksAccess)
    {
        var arguments = ServiceSettings.SidecarArguments(service, static path => path, checksAccess);
        return [.. arguments.Index().Where(argument => argument.Item == "--config").Select(argument => arguments[argument.Index + 1])];
    }

    private static string Config(string repository, string file) => Path.Combine(repository, "components", file);
}
