namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>The sidecar cannot start as asked; the message is one sentence for the operator, naming what is wrong and what to do.</summary>
public sealed class StartFailure : Exception
{
    /// <summary>Creates the failure.</summary>
    /// <param name="sentence">What is wrong and what to do.</param>
    public StartFailure(string sentence)
        : base(sentence)
    {
    }

    /// <summary>Creates the failure with its cause.</summary>
    /// <param name="sentence">What is wrong and what to do.</param>
    /// <param name="cause">The exception behind it.</param>
    public StartFailure(string sentence, Exception cause)
        : base(sentence, cause)
    {
    }

    /// <summary>Runs the program; a <see cref="StartFailure"/> becomes one line on standard error and exit code 1.</summary>
    public static async Task<int> ReportAsync(Func<Task> program)
    {
        ArgumentNullException.ThrowIfNull(program);
        try
        {
            await program();
            return 0;
        }
        catch (StartFailure failure)
        {
            await Console.Error.WriteLineAsync($"daprd: {failure.Message}");
            return 1;
        }
    }
}
