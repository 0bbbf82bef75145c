using System.Diagnostics;

namespace WhatsAppMesh.LocalPostgres;

/// <summary>Runs PostgreSQL's programs, as the user "postgres" when this process is root.</summary>
internal static class ServerProgram
{
    public const string ServerUser = "postgres";

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="PostgresUnavailableException">It could not start or ended with another code than 0; the message holds the end of its output.</exception>
    public static async Task<string> RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        bool asServerUser,
        IReadOnlyDictionary<string, string>? environment,
        CancellationToken cancellationToken)
    {
        var output = Path.GetTempFileName();
        try
        {
            // The output goes to a file: a server started by pg_ctl inherits it, and a pipe would stay open for ever.
            var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, WorkingDirectory = "/" };
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add("out=$1; shift; exec \"$@\" >\"$out\" 2>&1");
            start.ArgumentList.Add("sh");
            start.ArgumentList.Add(output);
            if (asServerUser && ProcessUser.IsRoot)
            {
                foreach (var argument in (string[])["setpriv", "--reuid", ServerUser, "--regid", ServerUser, "--clear-groups"])
                    start.ArgumentList.Add(argument);
            }

            start.ArgumentList.Add(program);
            foreach (var argument in arguments)
                start.ArgumentList.Add(argument);
            start.Environment["LC_ALL"] = "C.UTF-8";
            foreach (var (name, value) in environment ?? new Dictionary<string, string>())
                start.Environment[name] = value;

            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            await process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
            var text = await File.ReadAllTextAsync(output, cancellationToken).ConfigureAwait(false);
            return process.ExitCode == 0
                ? text
                : throw new PostgresUnavailableException($"'{Path.GetFileName(program)}' ended with code {process.ExitCode}: {LastLines(text)}");
        }
        finally
        {
            File.Delete(output);
        }
    }

    /// <summary>Gives a folder to the server's user, when that is not us.</summary>
    public static async Task OwnAsync(string folder, CancellationToken cancellationToken)
    {
        if (ProcessUser.IsRoot)
            await RunAsync("/bin/chown", ["-R", $"{ServerUser}:{ServerUser}", folder], asServerUser: false, null, cancellationToken).ConfigureAwait(false);
    }

    private static string LastLines(string text)
    {
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join(" | ", lines.TakeLast(5));
    }
}
