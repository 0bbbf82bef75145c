using System.Globalization;
using Npgsql;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// How a kind of state store behaves: which writes it refuses, what its ETags look like, whether its transactions are atomic.
/// The data is in PostgreSQL either way; the component's type chooses the behaviour.
/// </summary>
internal interface IStateSemantics
{
    /// <summary>The expression that yields a row's ETag as text.</summary>
    string ETagColumn { get; }

    /// <summary>Whether a read tells when the value expires.</summary>
    bool TellsExpiry { get; }

    /// <summary>Whether a transaction with a refused operation leaves nothing behind.</summary>
    bool AtomicTransactions { get; }

    /// <summary>A bulk read lists the keys that were found first, each once.</summary>
    bool ListsFoundFirst { get; }

    /// <summary>Why queries are refused; null when the type knows no queries at all.</summary>
    string? QueryRefusal { get; }

    /// <summary>The statement for an operation: it returns one row holding true when the operation was done.</summary>
    /// <exception cref="StateException">The operation is refused without asking the database.</exception>
    StateStatement Plan(string store, string key, StateOperation operation, bool inTransaction);
}

/// <summary>A statement and what to report when it does not return true.</summary>
internal sealed record StateStatement(string Sql, object[] Parameters, StateException? Refusal)
{
    public NpgsqlBatchCommand ToCommand()
    {
        var command = new NpgsqlBatchCommand(Sql);
        foreach (var parameter in Parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}

/// <summary>The parts that every kind of store shares.</summary>
internal static class StateRules
{
    public const string Live = "(s.expires_at is null or s.expires_at > now())";

    public static void CheckOptions(StateItem item)
    {
        if (item.Concurrency is not (null or "" or "first-write" or "last-write"))
            throw new StateException(StateFailure.Other, $"unrecognized concurrency model '{item.Concurrency}'");
        if (item.Consistency is not (null or "" or "eventual" or "strong"))
            throw new StateException(StateFailure.Other, $"unrecognized consistency model '{item.Consistency}'");
    }

    /// <summary>The <c>ttlInSeconds</c> of an item: null when it has none.</summary>
    /// <param name="item">The item.</param>
    /// <param name="what">How the store's own message begins.</param>
    /// <exception cref="StateException">It is no whole number.</exception>
    public static int? ReadTtl(StateItem item, string what)
    {
        var text = item.Metadata.FirstOrDefault(pair => string.Equals(pair.Key, "ttlInSeconds", StringComparison.OrdinalIgnoreCase)).Value;
        if (string.IsNullOrEmpty(text))
            return null;
        if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds))
            throw new StateException(StateFailure.Other, what + GoNumberErrors.ParseInt("ParseInt", text));
        return (int)Math.Clamp(seconds, int.MinValue, int.MaxValue);
    }
}
