namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>Waits for what must come true soon.</summary>
internal static class Eventually
{
    /// <exception cref="TimeoutException">It did not come true within 20 s.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(start) > TimeSpan.FromSeconds(20))
                throw new TimeoutException($"not within 20 s: {what}");
            await Task.Delay(20);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);
}
