namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>How far the sidecar has come: what health and metadata tell, and what deliveries wait for.</summary>
public sealed class SidecarState
{
    private readonly TaskCompletionSource _appReachable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _componentsUp;
    private volatile bool _draining;

    /// <summary>Components are loaded and their tables exist; the API servers listen right after.</summary>
    public bool ComponentsUp => _componentsUp;

    /// <summary>The app port has accepted a connection at least once, or there is no app. Never turns false again.</summary>
    public bool AppReachable => _appReachable.Task.IsCompletedSuccessfully;

    /// <summary>Completes when <see cref="AppReachable"/> turns true.</summary>
    public Task WhenAppReachable => _appReachable.Task;

    /// <summary>The sidecar is stopping: it takes no new work.</summary>
    public bool Draining => _draining;

    internal void SetComponentsUp() => _componentsUp = true;

    internal void SetAppReachable() => _appReachable.TrySetResult();

    internal void SetDraining() => _draining = true;
}
