using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// How large an event's body may be: <c>Mesh:MaxBodyBytes</c>, the one setting from which every limit on its way follows, in every service
/// (ADR 0031). A service's own setting for one of these limits counts before it.
/// </summary>
public static class BodyLimit
{
    /// <summary>Key of the setting, in bytes.</summary>
    public const string Key = "Mesh:MaxBodyBytes";

    /// <summary>Largest body where nothing is set, in bytes: 4 MiB. A roster of 1,024 members has 78 KB.</summary>
    public const int Default = 4 * 1024 * 1024;

    /// <summary>Most that can be set, in bytes: PostgreSQL's jsonb, and with it the data team's view, ends at 256 MB.</summary>
    public const int Most = 256 * 1024 * 1024;

    /// <summary>Least that can be set, in bytes.</summary>
    public const int Least = 1024;

    /// <summary>What is set; <see cref="Default"/> when nothing is.</summary>
    /// <exception cref="InvalidOperationException">It is no number of bytes within the bounds.</exception>
    public static int Read(IConfiguration configuration)
    {
        if (configuration[Key] is not { Length: > 0 } text)
            return Default;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes is >= Least and <= Most)
            return bytes;
        throw new InvalidOperationException($"{Key} is '{text}': give a number of bytes from {Least} to {Most}.");
    }

    /// <summary>True when this key of a service's own is set.</summary>
    public static bool IsOwn(IConfiguration configuration, string key) => configuration[key] is { Length: > 0 };
}
