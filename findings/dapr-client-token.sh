#!/usr/bin/env bash
# Dapr.Client 1.19.0 was given an API token. Which of its calls show it?
#
# Seen: SaveStateAsync shows it. SaveBulkStateAsync does not, and a bulk publish first asks the server's reflection without it: a sidecar
# that wants a token refuses both with UNAUTHENTICATED. The static CreateInvocationInvoker shows an empty token where it was given none,
# so that a server sees the header all the same.
#
# Needs the .NET 10 SDK and a NuGet source. Exits with 1 when any of it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat >probe.csproj <<'XML'
<Project Sdk="Microsoft.NET.Sdk.Web">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Dapr.Client" Version="[1.19.0]" />
  </ItemGroup>
</Project>
XML

cat >Program.cs <<'CS'
using Dapr.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

// A server that takes any gRPC call, notes the token it shows and answers with an empty message.
var seen = new List<string>();
var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
await using var server = builder.Build();
server.Run(async call =>
{
    var token = call.Request.Headers.TryGetValue("dapr-api-token", out var value) ? $"'{value}'" : "none";
    seen.Add($"{call.Request.Path.Value!.Split('/')[^1]}: {token}");
    call.Response.ContentType = "application/grpc";
    if (call.Request.Path.Value!.Contains("Reflection"))
    {
        call.Response.AppendTrailer("grpc-status", "12");
        return;
    }
    await call.Response.Body.WriteAsync(new byte[5]);
    call.Response.AppendTrailer("grpc-status", "0");
});
await server.StartAsync();
var address = server.Urls.First();

using var client = new DaprClientBuilder().UseGrpcEndpoint(address).UseHttpEndpoint(address).UseDaprApiToken("secret-of-the-probe").Build();
await client.SaveStateAsync("store", "key", 1);
await client.SaveBulkStateAsync("store", [new SaveStateItem<int>("key", 1, "")]);
await client.BulkPublishEventAsync("pubsub", "topic", [1, 2]);
var invoker = DaprClient.CreateInvocationInvoker("app", address);
await new Dapr.Client.Autogen.Grpc.v1.Dapr.DaprClient(invoker).GetMetadataAsync(new());
Console.WriteLine(string.Join('\n', seen));
CS

dotnet build -v quiet --nologo >build.log 2>&1 || { cat build.log; exit 1; }
DAPR_API_TOKEN='' dotnet bin/Debug/net10.0/probe.dll >seen
cat >expected <<'TEXT'
SaveState: 'secret-of-the-probe'
SaveState: none
ServerReflectionInfo: none
BulkPublishEvent: 'secret-of-the-probe'
GetMetadata: ''
TEXT
cat seen
diff expected seen && echo "as stated, for Dapr.Client 1.19.0"
