#!/usr/bin/env bash
# A sidecar may answer a bulk read of state with an error for single keys (BulkStateItem.error): it could not read them.
# What does Dapr.Client 1.19.0 make of such a key?
#
# Seen: GetBulkStateAsync gives it as an entry with no value and an empty ETag, exactly like a key that does not exist. There is no
# exception and no field with the error. Whoever takes "absent" for "free" writes over what could not be read.
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
using System.Buffers.Binary;
using Dapr.Client;
using Google.Protobuf;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Wire = Dapr.Client.Autogen.Grpc.v1;

var answer = new Wire.GetBulkStateResponse
{
    Items =
    {
        new Wire.BulkStateItem { Key = "unreadable", Error = "the store is away" },
        new Wire.BulkStateItem { Key = "absent" },
        new Wire.BulkStateItem { Key = "there", Data = ByteString.CopyFromUtf8("7"), Etag = "1" },
    },
}.ToByteArray();
var frame = new byte[5 + answer.Length];
BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), answer.Length);
answer.CopyTo(frame, 5);

var builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
await using var server = builder.Build();
server.Run(async call =>
{
    call.Response.ContentType = "application/grpc";
    await call.Response.Body.WriteAsync(frame);
    call.Response.AppendTrailer("grpc-status", "0");
});
await server.StartAsync();

using var client = new DaprClientBuilder().UseGrpcEndpoint(server.Urls.First()).UseHttpEndpoint(server.Urls.First()).Build();
foreach (var item in await client.GetBulkStateAsync<int?>("store", ["unreadable", "absent", "there"], parallelism: 1))
    Console.WriteLine($"{item.Key}: value {item.Value?.ToString() ?? "null"}, ETag '{item.ETag}'");
Console.WriteLine("fields: " + string.Join(' ', typeof(BulkStateItem<int>).GetProperties().Select(p => p.Name).Order()));
CS

dotnet build -v quiet --nologo >build.log 2>&1 || { cat build.log; exit 1; }
dotnet bin/Debug/net10.0/probe.dll >seen
cat >expected <<'TEXT'
unreadable: value null, ETag ''
absent: value null, ETag ''
there: value 7, ETag '1'
fields: ETag Key Value
TEXT
cat seen
diff expected seen && echo "as stated, for Dapr.Client 1.19.0"
