using System.Globalization;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Log;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>
/// Deliberate faults, for tests of what apps make of a transport worse than any real one. Asked for with
/// <c>DEVSIDECAR_MISBEHAVE=lose=0.05,duplicate=0.05,shuffle,delay=200ms,seed=7</c>, each part optional.
/// </summary>
/// <param name="Lose">Share of messages that are settled without a delivery.</param>
/// <param name="Duplicate">Share of messages that are delivered twice.</param>
/// <param name="Shuffle">Deliver the messages of a lease in any order.</param>
/// <param name="Delay">Longest wait before a delivery; each waits some part of it.</param>
/// <param name="Seed">Makes the choices repeatable, as far as the leases are.</param>
internal sealed partial record DeliveryFaults(double Lose, double Duplicate, bool Shuffle, TimeSpan Delay, int? Seed) : IDeliveryFaults
{
    private readonly Random _random = Seed is { } seed ? new Random(seed) : new Random();
    private readonly Lock _lock = new();

    /// <summary>What the settings ask for, loudly logged; faultless when they ask for nothing.</summary>
    public static IDeliveryFaults Create(IServiceProvider services)
    {
        if (services.GetRequiredService<SidecarSettings>().Misbehave is not { } text)
            return new NoDeliveryFaults();

        var faults = Parse(text);
        Log.Misbehaving(services.GetRequiredService<ILogger<DeliveryFaults>>(), text);
        return faults;
    }

    /// <summary>Reads the setting.</summary>
    /// <exception cref="StartFailure">A part is not known.</exception>
    public static DeliveryFaults Parse(string text)
    {
        var faults = new DeliveryFaults(0, 0, false, TimeSpan.Zero, null);
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var pair = part.Split('=', 2);
            faults = (pair[0], pair.ElementAtOrDefault(1)) switch
            {
                ("lose", { } share) when Share(share) is { } lose => faults with { Lose = lose },
                ("duplicate", { } share) when Share(share) is { } twice => faults with { Duplicate = twice },
                ("shuffle", null) => faults with { Shuffle = true },
                ("delay", { } time) when Durations.Parse(time) is { } delay => faults with { Delay = delay },
                ("seed", { } number) when int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) => faults with { Seed = seed },
                _ => throw new StartFailure($"DEVSIDECAR_MISBEHAVE: '{part}' is not known; use lose=0.05, duplicate=0.05, shuffle, delay=200ms, seed=7."),
            };
        }

        return new DeliveryFaults(faults.Lose, faults.Duplicate, faults.Shuffle, faults.Delay, faults.Seed);
    }

    /// <inheritdoc />
    public ArrangedMessages Arrange(IReadOnlyList<LeasedMessage> messages)
    {
        lock (_lock)
        {
            var lost = messages.Where(_ => _random.NextDouble() < Lose).ToHashSet();
            var delivered = messages.Where(message => !lost.Contains(message)).ToList();
            delivered.AddRange(delivered.Where(_ => _random.NextDouble() < Duplicate).ToList());
            var order = delivered.ToArray();
            if (Shuffle)
                _random.Shuffle(order);
            return new ArrangedMessages(order, [.. lost], Delay * _random.NextDouble());
        }
    }

    private static double? Share(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share) && share is >= 0 and <= 1 ? share : null;

    private static partial class Log
    {
        [LoggerMessage(9370, LogLevel.Critical, "DELIVERIES ARE DELIBERATELY FAULTY ({Faults}): messages will be lost, doubled, shuffled or late. For tests only")]
        public static partial void Misbehaving(ILogger logger, string faults);
    }
}
