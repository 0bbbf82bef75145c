using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>A real daprd is started exactly as the development sidecar is; programs that write down what they are given stand for both.</summary>
public sealed partial class SidecarStartTests : IDisposable
{
    private readonly StandInRepository _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact]
    public async Task A_given_daprd_gets_the_arguments_environment_folder_and_components_of_the_development_sidecar()
    {
        var said = await _repository.StartAsync();
        Assert.Contains("dispatch.sidecar ended with exit code 7 (\"this is no daprd\")", said, StringComparison.Ordinal);
        Assert.Null(StandInRepository.WhatWasSeen(_repository.OtherDaprd));
        var ours = StandInRepository.WhatWasSeen(_repository.PathOf("artifacts/bin/DevSidecar/release/daprd"))!;
        await _repository.StartAsync(options => options with { Daprd = _repository.OtherDaprd });
        var theirs = StandInRepository.WhatWasSeen(_repository.OtherDaprd)!;

        Assert.Equal(ours.Arguments.Select(WithoutPort), theirs.Arguments.Select(WithoutPort));
        Assert.Empty(Different(ours.Environment, theirs.Environment));
        Assert.Contains("CLAIMS_DATABASE", theirs.Environment.Keys);
        Assert.Equal(ours.Folder, theirs.Folder);
        Assert.Equal(ours.Resources.Keys.Order(), theirs.Resources.Keys.Order());
        Assert.All(ours.Resources, file => Assert.Equal(WithoutPort(file.Value), WithoutPort(theirs.Resources[file.Key])));
    }

    [Fact]
    public async Task Flags_are_those_that_daprd_has_and_say_what_the_run_file_says()
    {
        await _repository.StartAsync(options => options with { Daprd = _repository.OtherDaprd });

        var arguments = StandInRepository.WhatWasSeen(_repository.OtherDaprd)!.Arguments.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1]);
        Assert.Equal(
            [
                "--app-id", "--app-port", "--app-protocol", "--config", "--dapr-grpc-port", "--dapr-http-port", "--dapr-internal-grpc-port", "--log-level",
                "--max-body-size", "--metrics-port", "--resources-path",
            ],
            arguments.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(
            ("dispatch", "h2c", "warn", "16Mi"),
            (arguments["--app-id"], arguments["--app-protocol"], arguments["--log-level"], arguments["--max-body-size"]));
        Assert.Equal(_repository.PathOf("components/configuration.yaml"), arguments["--config"]);
        var ports = arguments.Where(pair => pair.Key.EndsWith("-port", StringComparison.Ordinal))
            .Select(pair => ushort.Parse(pair.Value, CultureInfo.InvariantCulture));
        Assert.Equal(5, ports.Distinct().Count());
    }

    [Fact]
    public async Task A_component_gets_the_database_as_pgx_and_libpq_read_it_whatever_the_password_is()
    {
        const string Password = "a b'c\"d\\e%20@:/?#&+=;é";
        var server = new NpgsqlConnectionStringBuilder(await TestDatabase.ServerAsync());
        var role = "stand_in_" + Guid.NewGuid().ToString("N");
        var quoted = Password.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal);
        await ExecuteAsync(server.ConnectionString, $"create role {role} login createdb password E'{quoted}'");
        // psql asks the server at the moment when daprd would.
        const string Ask = "psql -X -A -t -w -d \"$CLAIMS_DATABASE\" -c 'select current_user' >\"$to/said\" 2>&1; ";
        await File.WriteAllTextAsync(
            _repository.OtherDaprd, (await File.ReadAllTextAsync(_repository.OtherDaprd)).Replace("echo 'this", Ask + "echo 'this", StringComparison.Ordinal));
        var given = new NpgsqlConnectionStringBuilder
        {
            Host = server.Host, Port = server.Port, Username = role, Password = Password, Database = "postgres", SslMode = SslMode.Disable,
        };
        try
        {
            await _repository.StartAsync(options => options with { Daprd = _repository.OtherDaprd, Postgres = given.ConnectionString });
        }
        finally
        {
            await ExecuteAsync(server.ConnectionString, $"drop role {role}");
        }

        var environment = StandInRepository.WhatWasSeen(_repository.OtherDaprd)!.Environment;
        var settings = PgxConnection.Parse(environment["CLAIMS_DATABASE"]).Settings;
        Assert.Equal((role, Password, server.Host, "disable"), (settings["user"], settings["password"], settings["host"], settings["sslmode"]));
        Assert.Equal(role, (await File.ReadAllTextAsync(_repository.PathOf("elsewhere/seen/said"))).Trim());
        Assert.Equal(Password, new NpgsqlConnectionStringBuilder(environment["DEVSIDECAR_DATABASE"]).Password);
    }

    [Fact]
    public async Task Other_components_take_the_place_of_the_run_file_s()
    {
        _repository.Write(
            "others/pubsub.yaml",
            "apiVersion: dapr.io/v1alpha1\nkind: Component\nmetadata: { name: pubsub }\nspec: { type: pubsub.in-memory, version: v1, metadata: [] }\n");

        await _repository.StartAsync(options => options with { Components = _repository.PathOf("others") });

        Assert.Equal(["pubsub.yaml"], StandInRepository.WhatWasSeen(_repository.PathOf("artifacts/bin/DevSidecar/release/daprd"))!.Resources.Keys);
    }

    private static string WithoutPort(string text) => Ports().Replace(text, "PORT");

    // Names alone: nobody's environment belongs into a log. The program that a shell started last stands in "_".
    private static IEnumerable<string> Different(IReadOnlyDictionary<string, string> one, IReadOnlyDictionary<string, string> other) =>
        one.Keys.Union(other.Keys).Where(name => name != "_" && one.GetValueOrDefault(name) != other.GetValueOrDefault(name));

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    [GeneratedRegex(@"(?<=^|http://127\.0\.0\.1:)\d{4,5}\b")]
    private static partial Regex Ports();
}
