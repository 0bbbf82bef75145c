namespace WhatsAppMesh.BrokerSim;

/// <summary>How a faulty answer ends.</summary>
public enum FaultEnd
{
    /// <summary>With <see cref="Fault.Status"/>, or as if nothing were wrong when that is 0.</summary>
    Answer,

    /// <summary>Never.</summary>
    Hang,

    /// <summary>The connection is reset.</summary>
    Reset,

    /// <summary>With a page of HTML, as a proxy in front of a dead broker gives it.</summary>
    Html,

    /// <summary>With its status and headers at once, and a body that comes a byte at a time over <see cref="Fault.DelayMs"/>.</summary>
    SlowBody,
}

/// <summary>One thing to do wrong.</summary>
public sealed record Fault
{
    /// <summary>The instance it is for; null = any.</summary>
    public string? Instance { get; init; }

    /// <summary>How many sends it takes; 0 = all, until the script is cleared. Default 1.</summary>
    public int Times { get; init; } = 1;

    /// <summary>Share of the sends it is for, in (0, 1]. Default 1.</summary>
    public double Share { get; init; } = 1;

    /// <summary>True: the message leaves before things go wrong; false: it never does.</summary>
    public bool Accept { get; init; }

    /// <summary>Milliseconds to wait before the answer.</summary>
    public int DelayMs { get; init; }

    /// <summary>Status to answer with; 0 = the ordinary one.</summary>
    public int Status { get; init; }

    /// <summary>The error's code in the body. Default: what the status suggests.</summary>
    public string? Code { get; init; }

    /// <summary>Seconds in <c>Retry-After</c>; null = no such header.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>How it ends.</summary>
    public FaultEnd End { get; init; }
}

/// <summary>What goes wrong, in order: each send takes the first fault that is for it.</summary>
public sealed class FaultScript
{
    private readonly Lock _lock = new();
    private readonly List<(Fault Fault, int Left)> _faults = [];
    private Random _random = new(7);

    /// <summary>Adds a fault behind the others.</summary>
    /// <exception cref="ArgumentException">A value is out of range.</exception>
    public void Add(Fault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        if (fault.Times < 0 || fault.DelayMs < 0 || fault.Share is not (> 0 and <= 1) || fault.Status is not (0 or (>= 100 and <= 599)))
            throw new ArgumentException("times and delayMs must not be negative, share must be within (0, 1], status 0 or within 100..599", nameof(fault));
        lock (_lock)
            _faults.Add((fault, fault.Times));
    }

    /// <summary>Forgets all faults, and chooses how the dice of <see cref="Fault.Share"/> fall from now on.</summary>
    public void Clear(int seed = 7)
    {
        lock (_lock)
        {
            _faults.Clear();
            _random = new Random(seed);
        }
    }

    /// <summary>The fault for a send, used up once; null when all goes well.</summary>
    public Fault? Next(string instance)
    {
        lock (_lock)
        {
            var index = _faults.FindIndex(f => (f.Fault.Instance is null || f.Fault.Instance == instance) && (f.Fault.Share >= 1 || _random.NextDouble() < f.Fault.Share));
            if (index < 0)
                return null;

            var (fault, left) = _faults[index];
            if (left == 1)
                _faults.RemoveAt(index);
            else if (left > 1)
                _faults[index] = (fault, left - 1);
            return fault;
        }
    }
}
