namespace WhatsAppMesh.Ingest;

/// <summary>Every broken rule of a body, by field: a client that sees all of them at once needs one round to get it right.</summary>
internal sealed class FieldErrors
{
    private readonly Dictionary<string, IReadOnlyList<string>> _byField = [];

    /// <summary>True when no rule is broken.</summary>
    public bool IsEmpty => _byField.Count == 0;

    /// <summary>Reasons by field.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> ByField => _byField;

    /// <summary>Adds a reason. It never quotes the body: answers end in logs.</summary>
    public void Add(string field, string reason)
    {
        if (_byField.TryGetValue(field, out var reasons))
            ((List<string>)reasons).Add(reason);
        else
            _byField.Add(field, new List<string> { reason });
    }

    /// <summary>The answer for a body that breaks rules (check 8 of the collector's contract).</summary>
    public Refusal ToRefusal() => new(StatusCodes.Status422UnprocessableEntity, "invalid_body", "The body breaks a rule: see errors", _byField);
}

/// <summary>A request that cannot become an event, and never will: the client should not send it again.</summary>
/// <param name="Status">HTTP status, 400 or 422.</param>
/// <param name="Code">Stable code of the problem answer.</param>
/// <param name="Error">One sentence for a person.</param>
/// <param name="Errors">Broken rules by field; null when the body is not to blame.</param>
internal sealed record Refusal(int Status, string Code, string Error, IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors = null);
