namespace WhatsAppMesh.Hosting;

/// <summary>
/// Whether something that the service needs works, as its own calls find it. Each failure is counted; each change (it fails, it fails for
/// another reason, it works again) is one line of the log, however often the same is reported; while it fails, the service is degraded.
/// </summary>
public sealed class DependencyState
{
    private readonly DependencyStates _owner;
    private readonly string _trouble;
    private readonly Lock _lock = new();
    private volatile string? _code;

    internal DependencyState(DependencyStates owner, string name, string trouble) => (_owner, Name, _trouble) = (owner, name, trouble);

    /// <summary>Its name in metrics, health and logs, e.g. <c>claims</c>: configured or fixed, never a client's word.</summary>
    public string Name { get; }

    /// <summary>True after a failure, until it works again.</summary>
    public bool IsFailing => _code is not null;

    /// <summary>What is wrong, with the code of the newest failure; null while it works. No secrets, no personal data.</summary>
    public string? Reason => _code is { } code ? $"{_trouble} ({code})." : null;

    /// <summary>It did what was asked of it.</summary>
    public void Works()
    {
        if (_code is null)
            return;
        lock (_lock)
        {
            if (_code is null)
                return;
            _code = null;
            _owner.Recovered(this);
        }
    }

    /// <summary>It did not.</summary>
    /// <param name="code">One word of a closed set, see <see cref="FailureCode"/>.</param>
    public void Fails(string code)
    {
        Count(code);
        lock (_lock)
        {
            if (_code == code)
                return;
            _code = code;
            _owner.Failed(this);
        }
    }

    /// <summary>It did not.</summary>
    public void Fails(Exception exception) => Fails(FailureCode.Of(exception));

    /// <summary>Counts a failure that says nothing about the next call: one of many, of which the others may well succeed.</summary>
    public void Count(string code) => _owner.Count(Name, code);

    /// <summary>Counts a failure that says nothing about the next call.</summary>
    public void Count(Exception exception) => Count(FailureCode.Of(exception));
}
