using System.Collections.Concurrent;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Jobs that this replica has in hand.</summary>
internal sealed class InFlightJobs(SendingOptions options)
{
    private readonly ConcurrentDictionary<Guid, string> _jobs = new();
    private readonly ConcurrentDictionary<string, int> _byInstance = new();

    /// <summary>How many more it may take.</summary>
    public int Room => Math.Max(0, options.MaxInFlight - _jobs.Count);

    /// <summary>How many there are.</summary>
    public int Count => _jobs.Count;

    /// <summary>How many more of an instance it may take.</summary>
    public int RoomOf(string instance) => Math.Max(0, options.MaxInFlightPerInstance - _byInstance.GetValueOrDefault(instance));

    /// <summary>Takes a job into hand; false when it is there already.</summary>
    public bool TryEnter(DueJob job)
    {
        if (!_jobs.TryAdd(job.Id, job.InstanceId))
            return false;
        _byInstance.AddOrUpdate(job.InstanceId, 1, static (_, count) => count + 1);
        return true;
    }

    /// <summary>Lets a job go.</summary>
    public void Leave(Guid id)
    {
        if (_jobs.TryRemove(id, out var instance))
            _byInstance.AddOrUpdate(instance, 0, static (_, count) => count - 1);
    }
}
