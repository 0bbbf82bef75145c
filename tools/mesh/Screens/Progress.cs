namespace WhatsAppMesh.Mesh.Screens;

/// <summary>Says every few seconds, on standard error, how far something long has come.</summary>
/// <param name="done">What has been done: "exported".</param>
internal sealed class Progress(string done)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(3);

    private long _last = TimeProvider.System.GetTimestamp();

    /// <summary>A count, shown when the last one is old enough.</summary>
    public void Show(long events)
    {
        if (TimeProvider.System.GetElapsedTime(_last) < Interval)
            return;
        _last = TimeProvider.System.GetTimestamp();
        Screen.Error($"{events} events {done} ...");
    }
}
