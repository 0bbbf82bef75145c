namespace WhatsAppMesh.Mesh.Running;

/// <summary>Exit codes of every command; <c>--help</c> of the root command lists them.</summary>
public static class ExitCodes
{
    /// <summary>All went well.</summary>
    public const int Ok = 0;

    /// <summary>The thing that was asked for failed, or is not all right.</summary>
    public const int Failed = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>It could not start: a tool is missing, a port is taken, a process ended before it was ready, a mesh is up already.</summary>
    public const int CannotStart = 3;
}

/// <summary>Something a person can act on: the message is one clear sentence or two, meant for the terminal.</summary>
public sealed class MeshException(string message, int exitCode = ExitCodes.CannotStart) : Exception(message)
{
    /// <summary>Exit code of the command that met it.</summary>
    public int ExitCode => exitCode;
}
