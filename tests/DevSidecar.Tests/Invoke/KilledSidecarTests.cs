using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>Sidecars as processes of their own, killed without warning.</summary>
public sealed class KilledSidecarTests
{
    [Fact]
    public async Task Calls_find_the_sidecar_that_takes_a_killed_ones_place()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var app = await TestApp.StartAsync(
            a =>
            {
                a.MapGrpcService<EchoService>();
                a.MapGet("/x", () => "answer");
            },
            services: services =>
            {
                services.AddGrpc();
                services.AddSingleton(new EchoLog());
            });
        await using var caller = await RunningSidecar.StartAsync(database.ConnectionString, "caller");
        using var channel = GrpcChannel.ForAddress(caller.GrpcAddress);
        var client = new Echo.EchoClient(channel);
        var to = new Metadata { { "dapr-app-id", "callee" } };

        for (var round = 0; round < 2; round++)
        {
            using var callee = await StartProcessAsync(database.ConnectionString, app.Port);
            try
            {
                // The Dapr CLI knows a sidecar by this name.
                Assert.Equal("daprd", callee.ProcessName);
                Assert.Equal("answer", await caller.Http.GetStringAsync("/v1.0/invoke/callee/method/x"));
                Assert.Equal("g", (await client.UnaryAsync(new EchoRequest { Text = "g" }, to)).Text);
            }
            finally
            {
                callee.Kill();
                await callee.WaitForExitAsync();
            }
        }

        var error = await Assert.ThrowsAsync<RpcException>(async () => await client.UnaryAsync(new EchoRequest(), to));
        Assert.Contains(error.StatusCode, new[] { StatusCode.Unavailable, StatusCode.Unknown });
    }

    private static async Task<Process> StartProcessAsync(string database, int appPort)
    {
        var port = FreePorts.Next();
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "daprd"))
        {
            ArgumentList =
            {
                "--app-id", "callee", "--app-port", $"{appPort}", "--app-protocol", "h2c", "--dapr-http-port", $"{port}", "--dapr-grpc-port", "0",
                "--log-level", "error",
            },
            Environment = { ["DEVSIDECAR_DATABASE"] = database },
        };
        var process = Process.Start(start)!;
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
        await Eventually.TrueAsync(
            async () =>
            {
                Assert.False(process.HasExited, "the sidecar process has ended");
                try
                {
                    return (await http.GetAsync("/v1.0/healthz")).StatusCode == HttpStatusCode.NoContent;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the sidecar process is ready");
        return process;
    }
}
