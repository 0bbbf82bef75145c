using System.Net.Sockets;
using System.Text.Json;
using Grpc.Core;
using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Whether trying again may help. Decided by <see cref="FailureClassifier"/> and nowhere else.</summary>
public enum FailureClass
{
    /// <summary>The event cannot succeed as it is: dead letter at once.</summary>
    Poison,

    /// <summary>Something else is in the way, now: try again.</summary>
    Transient,
}

/// <summary>Decides what a failure means for the event that met it.</summary>
public static class FailureClassifier
{
    /// <summary>
    /// Classifies an exception. What the event's own content causes is poison: <see cref="PoisonException"/>, malformed JSON, SQLSTATE
    /// classes 21 (cardinality), 22 (data), 23 (constraint), 54 (a value too large) and P0 (raised by a function). Every other database
    /// error says something about the database, a missing table or a read-only standby included, and is transient, as are network, I/O,
    /// time and memory. An exception that nobody foresaw is a bug, and a bug meets the same event the same way each time: poison, so
    /// that it waits, with its reason, for the fix and a replay instead of blocking the way for minutes first.
    /// </summary>
    public static FailureClass Classify(Exception exception) => exception switch
    {
        PoisonException => FailureClass.Poison,
        PostgresException postgres => IsAboutTheData(postgres.SqlState) ? FailureClass.Poison : FailureClass.Transient,
        NpgsqlException => FailureClass.Transient,
        LakeException or RpcException => FailureClass.Transient,
        JsonException => FailureClass.Poison,
        TimeoutException or OperationCanceledException or IOException or SocketException or HttpRequestException => FailureClass.Transient,
        OutOfMemoryException or InsufficientExecutionStackException => FailureClass.Transient,
        AggregateException { InnerExceptions: [var only] } => Classify(only),
        _ => FailureClass.Poison,
    };

    private static bool IsAboutTheData(string sqlState) =>
        sqlState.StartsWith("21", StringComparison.Ordinal) || sqlState.StartsWith("22", StringComparison.Ordinal)
        || sqlState.StartsWith("23", StringComparison.Ordinal) || sqlState.StartsWith("54", StringComparison.Ordinal)
        || sqlState.StartsWith("P0", StringComparison.Ordinal);
}
