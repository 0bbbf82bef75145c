using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>The catalog in use, and what is wrong with the configuration it should be replaced by.</summary>
public sealed class CurrentCatalog : IReadinessNotes
{
    private volatile SourceCatalog _catalog = SourceCatalog.Empty;
    private volatile IReadOnlyList<string> _problems = [];
    private volatile bool _hasSettled;

    /// <summary>The catalog in use.</summary>
    public SourceCatalog Catalog
    {
        get => _catalog;
        internal set => _catalog = value;
    }

    /// <summary>What an operator should look at; empty when the newest configuration is in use with all its secrets.</summary>
    public IReadOnlyList<string> Problems
    {
        get => _problems;
        internal set => _problems = value;
    }

    /// <summary>True once every secret has been read, or the time for that after a start is over.</summary>
    public bool HasSettled
    {
        get => _hasSettled;
        internal set => _hasSettled = value;
    }

    string IReadinessNotes.Name => "senders";

    IReadOnlyList<string> IReadinessNotes.Notes => _problems;
}
