using System.Text.RegularExpressions;
using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Why an event failed, in words that may be stored and shown: without personal data.</summary>
/// <param name="Class">Whether trying again may help.</param>
/// <param name="Error">Type of the exception.</param>
/// <param name="Message">Its text, redacted.</param>
/// <param name="Step">Where in handling it failed.</param>
public sealed partial record Failure(FailureClass Class, string Error, string Message, string Step)
{
    private const int MaxMessageLength = 500;

    /// <summary>The category as stored and shown: "poison" or "transient".</summary>
    public string Category => CategoryOf(Class);

    /// <summary>Describes an exception met in <paramref name="step"/>; a <see cref="PoisonException"/> names its own step.</summary>
    public static Failure Of(Exception exception, string step) => exception is AggregateException { InnerExceptions: [var only] }
        ? Of(only, step)
        : new Failure(
            FailureClassifier.Classify(exception),
            exception.GetType().FullName!,
            Describe(exception),
            exception is PoisonException poison ? poison.Step : step);

    /// <summary>The category as stored and shown.</summary>
    public static string CategoryOf(FailureClass failureClass) => failureClass == FailureClass.Poison ? "poison" : "transient";

    private static string Describe(Exception exception)
    {
        // PostgresException.Detail holds the row's values, so it stays out.
        var text = exception switch
        {
            PostgresException postgres => $"{postgres.SqlState}: {DescribeMessage(postgres)}",
            PoisonException => exception.Message,
            _ => Quoted().Replace(exception.Message, "\"…\""),
        };
        text = Digits().Replace(Jids().Replace(text, "…@…"), "#").Replace("\0", "", StringComparison.Ordinal);
        return text.Length <= MaxMessageLength ? text : text[..MaxMessageLength];
    }

    // A data exception quotes the value that it could not take; other errors quote names of tables and constraints, which help.
    private static string DescribeMessage(PostgresException exception) =>
        exception.SqlState.StartsWith("22", StringComparison.Ordinal) ? Value().Replace(exception.MessageText, "\"…\"") : exception.MessageText;

    [GeneratedRegex("\".*\"", RegexOptions.Singleline)]
    private static partial Regex Value();

    // Parsers quote what they could not read: FormatException, the path of a JsonException.
    [GeneratedRegex("\".*\"|'[^']*'|(?<=Path: )\\S+", RegexOptions.Singleline)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"[^\s""']+@[^\s""']+")]
    private static partial Regex Jids();

    // Long enough to be part of a phone number; a SQLSTATE has five characters and stays.
    [GeneratedRegex(@"\d{6,}")]
    private static partial Regex Digits();
}
