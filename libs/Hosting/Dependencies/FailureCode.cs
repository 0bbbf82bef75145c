using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using Grpc.Core;
using Npgsql;

namespace WhatsAppMesh.Hosting;

/// <summary>What an exception says in one word of a closed set, fit for a metric's label: never its text, which may hold an address, a key or a value.</summary>
public static class FailureCode
{
    /// <summary>No answer in time.</summary>
    public const string Timeout = "timeout";

    /// <summary>An answer that cannot be read.</summary>
    public const string Malformed = "malformed";

    /// <summary>
    /// The status of a gRPC call (<c>permission_denied</c>), the number of an HTTP status (<c>403</c>), a SQLSTATE (<c>42P01</c>),
    /// <c>no_connection</c>, <c>timeout</c>, <c>malformed</c>; else the kind of the exception.
    /// </summary>
    public static string Of(Exception exception) => exception switch
    {
        RpcException call => Of(call.StatusCode),
        PostgresException postgres => postgres.SqlState,
        NpgsqlException { InnerException: TimeoutException } => Timeout,
        NpgsqlException => "no_connection",
        HttpRequestException { StatusCode: { } status } => ((int)status).ToString(CultureInfo.InvariantCulture),
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError } => "no_connection",
        HttpRequestException => "broken_answer",
        SocketException => "no_connection",
        TimeoutException or OperationCanceledException => Timeout,
        JsonException => Malformed,
        { InnerException: { } inner } => Of(inner),
        _ => Words(exception.GetType().Name.Replace("Exception", "", StringComparison.Ordinal)),
    };

    /// <summary>A gRPC status as gRPC's own list has it, in small letters.</summary>
    public static string Of(StatusCode status) => Words(status.ToString());

    private static string Words(string name) =>
        string.Concat(name.Select(static (letter, i) => i > 0 && char.IsAsciiLetterUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{char.ToLowerInvariant(letter)}"));
}
