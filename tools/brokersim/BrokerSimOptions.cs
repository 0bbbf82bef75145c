using System.Globalization;

namespace WhatsAppMesh.BrokerSim;

/// <summary>How the simulated broker behaves until the control API says otherwise.</summary>
public sealed record BrokerSimOptions
{
    private const string Usage = "usage: brokersim [--port 5140] [--api-key KEY] [--idempotency keyed|none] [--window SECONDS]";

    /// <summary>Port on the loopback address; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>What callers must send as <c>X-API-Key</c>. Default <c>local-broker</c>, or the environment's <c>WHATSAPP_BROKER_API_KEY</c>.</summary>
    public string ApiKey { get; init; } = "local-broker";

    /// <summary>True: a send whose <c>Idempotency-Key</c> was seen within <see cref="Window"/> is recognised and not sent again.</summary>
    public bool RemembersKeys { get; init; } = true;

    /// <summary>How long keys are remembered. Default 24 h.</summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Reads the command line; null when it is wrong.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="problem">What is wrong, and how to call it.</param>
    public static BrokerSimOptions? Parse(string[] args, out string problem)
    {
        problem = Usage;
        var options = new BrokerSimOptions { Port = 5140 };
        if (Environment.GetEnvironmentVariable("WHATSAPP_BROKER_API_KEY") is { Length: > 0 } key)
            options = options with { ApiKey = key };
        if (args.Length % 2 != 0)
            return null;

        foreach (var pair in args.Chunk(2))
        {
            BrokerSimOptions? read = (pair[0], pair[1]) switch
            {
                ("--port", var text) when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= 65535 => options with { Port = port },
                ("--api-key", { Length: > 0 } text) => options with { ApiKey = text },
                ("--idempotency", "keyed") => options with { RemembersKeys = true },
                ("--idempotency", "none") => options with { RemembersKeys = false },
                ("--window", var text) when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) => options with { Window = TimeSpan.FromSeconds(seconds) },
                _ => null,
            };
            if (read is null)
            {
                problem = $"{pair[0]} {pair[1]} is not understood; {Usage}";
                return null;
            }

            options = read;
        }

        return options;
    }
}
