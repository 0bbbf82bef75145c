namespace WhatsAppMesh.Dispatch;

/// <summary>Every rule that a request breaks, by field.</summary>
internal sealed class FieldErrors
{
    private readonly SortedDictionary<string, List<string>> _reasons = new(StringComparer.Ordinal);

    public bool IsEmpty => _reasons.Count == 0;

    /// <summary>As <c>ProblemAnswers</c> writes them.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> ByField => _reasons.ToDictionary(static one => one.Key, static one => (IReadOnlyList<string>)one.Value);

    /// <summary>Fields and reasons in one line.</summary>
    public override string ToString() => string.Join("; ", _reasons.Select(static field => $"{field.Key} {string.Join(", ", field.Value)}"));

    public void Add(string field, string reason)
    {
        if (!_reasons.TryGetValue(field, out var reasons))
            _reasons[field] = reasons = [];
        reasons.Add(reason);
    }
}
