using System.Globalization;
using Dapr.Client;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Libs.Tests.Sidecars;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>A state store behind a sidecar that asks for a token, whose keys fail one by one as a test wants: what a real store cannot be made to do.</summary>
internal sealed class FakeClaims : IAsyncDisposable
{
    private const string Token = "token-of-the-sidecar";

    private readonly Dictionary<string, (ByteString Data, string ETag)> _rows = [];
    private readonly HashSet<string> _unreadable = [];
    private readonly FakeDapr _sidecar;
    private int _version;

    private FakeClaims(FakeDapr sidecar)
    {
        _sidecar = sidecar;
        sidecar.On<SaveStateRequest>("SaveState", Save).On<GetBulkStateRequest>("GetBulkState", Read);
        Client = SidecarServices.ClientOf(sidecar.Http, sidecar.Grpc, Token);
    }

    public DaprClient Client { get; }

    /// <summary>Status that every read ends with; OK = none.</summary>
    public StatusCode ReadsEndWith { get; set; } = StatusCode.OK;

    /// <summary>Status that every write ends with, and nothing is written; OK = none.</summary>
    public StatusCode WritesEndWith { get; set; } = StatusCode.OK;

    /// <summary>Is done before each read.</summary>
    public Action BeforeRead { get; set; } = static () => { };

    public static async Task<FakeClaims> StartAsync() => new(await FakeDapr.StartAsync(Token));

    /// <summary>From now on reading these keys is an error of each, within an answer that is OK.</summary>
    public void CannotRead(params string[] keys)
    {
        lock (_rows)
        {
            _unreadable.Clear();
            _unreadable.UnionWith(keys);
        }
    }

    /// <summary>Something stands under a key that is no claim.</summary>
    public void Put(string key, string text)
    {
        lock (_rows)
            _rows[key] = (ByteString.CopyFromUtf8(text), "foreign");
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _sidecar.DisposeAsync();
    }

    private IMessage Save(SaveStateRequest request)
    {
        if (WritesEndWith != StatusCode.OK)
            throw new RpcException(new Status(WritesEndWith, "no"));
        lock (_rows)
        {
            var refused = request.States.Count(state => !TrySave(state));
            return refused == 0 ? new Empty() : throw new RpcException(new Status(StatusCode.Internal, $"{refused} not saved"));
        }
    }

    // First write: without an ETag a key is created, with one it is changed from that version.
    private bool TrySave(StateItem state)
    {
        var there = _rows.TryGetValue(state.Key, out var row);
        if (there ? row.ETag != (state.Etag?.Value ?? "") : state.Etag?.Value is { Length: > 0 })
            return false;
        _rows[state.Key] = (state.Value, (++_version).ToString(CultureInfo.InvariantCulture));
        return true;
    }

    private IMessage Read(GetBulkStateRequest request)
    {
        BeforeRead();
        if (ReadsEndWith != StatusCode.OK)
            throw new RpcException(new Status(ReadsEndWith, "no"));
        lock (_rows)
            return new GetBulkStateResponse { Items = { request.Keys.Select(ReadOne) } };
    }

    private Dapr.Client.Autogen.Grpc.v1.BulkStateItem ReadOne(string key)
    {
        if (_unreadable.Contains(key))
            return new() { Key = key, Error = "the store is away" };
        return _rows.TryGetValue(key, out var row) ? new() { Key = key, Data = row.Data, Etag = row.ETag } : new() { Key = key };
    }
}
