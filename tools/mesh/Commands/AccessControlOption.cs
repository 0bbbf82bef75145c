using System.CommandLine;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>--access-control</c>: whether calls between services are let through by the rules of a cluster.</summary>
internal static class AccessControlOption
{
    /// <summary>What is said when a real daprd is used.</summary>
    public const string NoIdentities = "Access control is off: a self-hosted daprd without Sentry gives nobody an identity, so its rules could only deny every call.";

    /// <summary>What is said when it was switched off.</summary>
    public const string SwitchedOff = "Access control is off: any service may call any other, as no cluster lets it.";

    private const string On = "on";
    private const string Off = "off";

    /// <summary>A new option; without a value, or not given, it is on.</summary>
    public static Option<string?> Create()
    {
        var option = new Option<string?>("--access-control")
        {
            Description = "Calls between services are let through by the rules that the chart gives a cluster (components/access-control): on, unless =off. Always off with MESH_DAPRD.",
            HelpName = "on|off",
            Arity = ArgumentArity.ZeroOrOne,
        };
        option.AcceptOnlyFromAmong(On, Off);
        return option;
    }

    /// <summary>The options with what was asked for; says so when access is not controlled, and why.</summary>
    public static MeshOptions With(this MeshOptions options, ParseResult parsed, Option<string?> option, Screen screen)
    {
        var asked = options with { AccessControl = parsed.GetValue(option) != Off };
        if (SentenceFor(asked) is { } sentence)
            screen.Line(sentence);
        return asked;
    }

    /// <summary>Why access is not controlled; null when it is.</summary>
    public static string? SentenceFor(MeshOptions options) => options.ChecksAccess ? null : options.Daprd is null ? SwitchedOff : NoIdentities;
}
