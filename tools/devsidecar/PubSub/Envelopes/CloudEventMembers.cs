using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>The members of a CloudEvent on a tape, with some set anew.</summary>
internal sealed class CloudEventMembers
{
    private readonly JsonTape _tape;
    private readonly List<(byte[] Name, int Index, string? Value)> _members = [];

    public CloudEventMembers(JsonTape tape)
    {
        _tape = tape;
        var names = new List<int>();
        GoJson.SortedNames(tape, 0, names);
        foreach (var name in names)
            _members.Add((GoString.Unescape(tape.Text(name)), name, null));
    }

    public bool Has(string name) => Find(name) >= 0;

    /// <summary>The text of a member; null when it is absent or no string.</summary>
    public string? Text(string name) =>
        Find(name) is >= 0 and var at && _tape[_members[at].Index + 1] is { Kind: JsonTokenType.String }
            ? Encoding.UTF8.GetString(GoString.Unescape(_tape.Text(_members[at].Index + 1)))
            : null;

    public void Set(string name, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var at = Find(name);
        if (at >= 0)
            _members[at] = (bytes, -1, value);
        else
            _members.Insert(~Position(bytes), (bytes, -1, value));
    }

    public void SetIfAbsent(string name, string value)
    {
        if (!Has(name))
            Set(name, value);
    }

    public void SetIfNull(string name, string value)
    {
        if (Find(name) is var at && (at < 0 || (_members[at].Index >= 0 && _tape[_members[at].Index + 1].Kind == JsonTokenType.Null)))
            Set(name, value);
    }

    public void Write(GoJson json, ByteBuffer output)
    {
        var separator = (byte)'{';
        foreach (var (name, index, value) in _members)
        {
            output.Write(separator);
            GoString.Write(name, output);
            output.Write((byte)':');
            if (value is null)
                json.Write(index + 1, output);
            else
                GoString.Write(value, output);
            separator = (byte)',';
        }

        output.Write((byte)'}');
    }

    private int Find(string name) => Position(Encoding.UTF8.GetBytes(name)) is >= 0 and var at ? at : -1;

    private int Position(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _members.Count; i++)
        {
            var order = _members[i].Name.AsSpan().SequenceCompareTo(name);
            if (order >= 0)
                return order == 0 ? i : ~i;
        }

        return ~_members.Count;
    }
}
