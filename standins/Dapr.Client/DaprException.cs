namespace Dapr;

/// <summary>
/// A call to the sidecar failed: it could not be reached, refused, or answered with something unreadable. What stands behind it is in
/// <see cref="Exception.InnerException"/>, whose type depends on the transport; do not rely on it.
/// </summary>
public class DaprException : Exception
{
    /// <summary>Creates an exception.</summary>
    public DaprException(string message) : base(message)
    {
    }

    /// <summary>Creates an exception with what stands behind it.</summary>
    public DaprException(string message, Exception innerException) : base(message, innerException)
    {
    }
}
