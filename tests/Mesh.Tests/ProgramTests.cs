using System.Diagnostics;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>The launcher as a program: what it says, and its exit code.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-program-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task A_connection_string_becomes_a_url_in_a_file_of_its_owner_and_is_shown_nowhere()
    {
        var file = Path.Combine(_folder.FullName, "claims");

        const string Given = "Host=db;Username=claims;Password=it's 50%;Database=claims;SSL Mode=Require;Maximum Pool Size=8\n";
        var (exitCode, said) = await RunAsync(Given, [], "component-url", "--out", file);

        Assert.Equal(ExitCodes.Ok, exitCode);
        Assert.Equal("postgres://claims:it%27s%2050%25@db:5432/claims?sslmode=require", await File.ReadAllTextAsync(file));
        Assert.Contains("Maximum Pool Size", said, StringComparison.Ordinal);
        Assert.DoesNotContain("50", said, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Theory]
    [InlineData("Host=db;Password=secret-word;Channel Binding=Require", "Channel Binding")]
    [InlineData("host=db password=secret-word", "semicolons")]
    [InlineData("secret-word", "no Npgsql connection string")]
    public async Task One_that_cannot_be_turned_is_refused_with_a_sentence(string given, string why)
    {
        var file = Path.Combine(_folder.FullName, "claims");

        var (exitCode, said) = await RunAsync(given, [], "component-url", "--out", file);

        Assert.Equal(ExitCodes.Usage, exitCode);
        Assert.Contains(why, said, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-word", said, StringComparison.Ordinal);
        Assert.False(File.Exists(file));
    }

    [Theory]
    [InlineData("MESH_DAPRD", "/nowhere/daprd", "MESH_DAPRD is /nowhere/daprd, which is not a file")]
    [InlineData("MESH_COMPONENTS", "/nowhere", "MESH_COMPONENTS is /nowhere, which is not a folder")]
    public async Task What_the_environment_names_and_is_not_there_is_said_before_anything_starts(string variable, string value, string sentence)
    {
        var (exitCode, said) = await RunAsync("", [(variable, value)], "demo");

        Assert.Equal(ExitCodes.CannotStart, exitCode);
        Assert.Contains(sentence, said, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Said)> RunAsync(string input, (string Name, string Value)[] environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(MeshInstance).Assembly.Location, .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var program = Process.Start(start)!;
        await program.StandardInput.WriteAsync(input);
        program.StandardInput.Close();
        var (output, error) = (program.StandardOutput.ReadToEndAsync(), program.StandardError.ReadToEndAsync());
        await program.WaitForExitAsync();
        return (program.ExitCode, await output + await error);
    }
}
