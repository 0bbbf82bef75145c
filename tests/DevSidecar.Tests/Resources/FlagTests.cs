using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Tests.Resources;

/// <summary>The command line: daprd's flags, and a sentence for each that cannot be honoured.</summary>
public sealed class FlagTests
{
    [Fact]
    public void Flags_of_the_Dapr_CLI_are_understood()
    {
        var flags = SidecarFlags.Parse(
        [
            "--app-id", "membership", "--app-port=5120", "--app-protocol", "h2c", "--dapr-http-port", "3520", "--dapr-grpc-port", "50021",
            "--dapr-internal-grpc-port", "50022", "--resources-path", "a", "--resources-path", "b", "--config", "c.yaml", "--max-body-size", "16Mi",
            "--log-level", "debug", "--log-as-json", "--enable-metrics=false", "--metrics-port", "9091", "--placement-host-address", "",
            "--mode", "standalone", "--app-max-concurrency", "-1", "--dapr-graceful-shutdown-seconds", "7",
        ]);

        Assert.Equal(("membership", 5120, 3520, 50021, 50022), (flags.AppId, flags.AppPort, flags.HttpPort, flags.GrpcPort, flags.InternalGrpcPort));
        Assert.Equal(["a", "b"], flags.ResourcesPaths);
        Assert.Equal(16 * 1024 * 1024, flags.MaxBodySize);
        Assert.Equal((LogLevel.Debug, true, null as int?, TimeSpan.FromSeconds(7)), (flags.LogLevel, flags.LogAsJson, flags.AppMaxConcurrency, flags.GracefulShutdown));
        Assert.Equal(["enable-metrics", "metrics-port"], flags.Ignored);
    }

    [Theory]
    [InlineData("app-protocol http", "--app-id", "a", "--app-port", "1")]
    [InlineData("app-protocol grpc", "--app-id", "a", "--app-port", "1", "--app-protocol", "grpc")]
    [InlineData("mTLS", "--app-id", "a", "--enable-mtls")]
    [InlineData("unix domain sockets", "--app-id", "a", "--unix-domain-socket", "/tmp")]
    [InlineData("actors", "--app-id", "a", "--placement-host-address", "localhost:50005")]
    [InlineData("jobs", "--app-id", "a", "--scheduler-host-address=localhost:50006")]
    [InlineData("app health checks", "--app-id", "a", "--enable-app-health-check")]
    [InlineData("--mode kubernetes", "--app-id", "a", "--mode", "kubernetes")]
    [InlineData("--app-id is missing", "--dapr-http-port", "1")]
    [InlineData("--wings is not a flag", "--app-id", "a", "--wings", "2")]
    [InlineData("--app-port must be a whole number", "--app-id", "a", "--app-port", "x")]
    [InlineData("one of the sidecar's own ports", "--app-id", "a", "--app-port", "3500", "--app-protocol", "h2c")]
    public void What_cannot_be_honoured_is_named(string part, params string[] args) =>
        Assert.Contains(part, Assert.Throws<StartFailure>(() => SidecarFlags.Parse(args)).Message, StringComparison.Ordinal);
}
