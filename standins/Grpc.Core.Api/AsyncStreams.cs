namespace Grpc.Core;

/// <summary>Messages as they arrive. One reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message that the last successful <see cref="MoveNext"/> read.</summary>
    T Current { get; }

    /// <summary>Waits for the next message; false at the end of the stream.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>Messages on their way out. One writer at a time.</summary>
public interface IAsyncStreamWriter<in T>
{
    /// <summary>How following messages are written; null means the default.</summary>
    WriteOptions? WriteOptions { get; set; }

    /// <summary>Writes a message; the next may be written when the task has completed.</summary>
    Task WriteAsync(T message);

    /// <summary>Writes a message; cancelling it cancels the call.</summary>
    /// <exception cref="NotSupportedException">This writer cannot cancel single writes and the token can be cancelled.</exception>
    Task WriteAsync(T message, CancellationToken cancellationToken) => cancellationToken.CanBeCanceled
        ? throw new NotSupportedException("This stream writer cannot cancel single writes; write without a token and cancel the call.")
        : WriteAsync(message);
}

/// <summary>Requests of a client-streaming or duplex call.</summary>
public interface IClientStreamWriter<in T> : IAsyncStreamWriter<T>
{
    /// <summary>Says that no more requests follow.</summary>
    Task CompleteAsync();
}

/// <summary>Responses of a server-streaming or duplex call; the stream ends when the method returns.</summary>
public interface IServerStreamWriter<in T> : IAsyncStreamWriter<T>
{
}

/// <summary>Shorthand for readers.</summary>
public static class AsyncStreamReaderExtensions
{
    /// <summary>Waits for the next message; false at the end of the stream.</summary>
    public static Task<bool> MoveNext<T>(this IAsyncStreamReader<T> streamReader) where T : class =>
        streamReader.MoveNext(CancellationToken.None);
}
