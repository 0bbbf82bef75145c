using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>Counts the statements that Npgsql reports as executed: each command of a batch is one.</summary>
public sealed class StatementCounter : ILoggerProvider, ILogger
{
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public ILogger CreateLogger(string categoryName) => this;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (state is not IEnumerable<KeyValuePair<string, object?>> values)
            return;
        foreach (var (name, value) in values)
        {
            if (name == "BatchCommands" && eventId.Name == "ExecutingBatch" && value is System.Collections.ICollection commands)
                Interlocked.Add(ref _count, commands.Count);
        }
    }

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public void Dispose()
    {
    }
}
