using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>What becomes of numbers when Go reads and writes a document.</summary>
internal enum NumberRule
{
    /// <summary>Their text stays.</summary>
    KeepText,

    /// <summary>They become a float64 and lose what does not fit.</summary>
    ThroughDouble,
}

/// <summary>Writes values of a <see cref="JsonTape"/> as Go's encoding/json would after reading them into a map: keys sorted, the last of equal keys kept.</summary>
internal sealed class GoJson(JsonTape tape, NumberRule numbers)
{
    private readonly List<int> _names = [];

    /// <summary>Some number changes when it goes through a double.</summary>
    public bool HasUnstableNumber { get; private set; }

    /// <summary>Some number does not fit a double; with <see cref="NumberRule.ThroughDouble"/> what was written is then useless.</summary>
    public bool HasOverflow { get; private set; }

    /// <summary>Writes the value at an index of the tape.</summary>
    public void Write(int index, ByteBuffer output)
    {
        switch (tape[index].Kind)
        {
            case JsonTokenType.StartObject:
                WriteObject(index, output);
                break;
            case JsonTokenType.StartArray:
                WriteArray(index, output);
                break;
            case JsonTokenType.String:
                WriteString(index, output);
                break;
            case JsonTokenType.Number:
                WriteNumber(tape.Text(index), output);
                break;
            default:
                output.Write(tape.Text(index));
                break;
        }
    }

    /// <summary>Writes the string or name at an index of the tape.</summary>
    public void WriteString(int index, ByteBuffer output) => GoString.Rewrite(tape.Text(index), output);

    /// <summary>The tape's indexes of an object's member names, sorted, without those that a later equal one replaces.</summary>
    public static void SortedNames(JsonTape tape, int index, List<int> names)
    {
        var begin = names.Count;
        var sorted = true;
        for (var name = index + 1; name < tape[index].Next; name = tape[name + 1].Next)
        {
            sorted &= names.Count == begin || Compare(tape, names[^1], name) < 0;
            names.Add(name);
        }

        if (sorted)
            return;

        // Equal keys: the later one first, so that it is the one that stays.
        names.Sort(begin, names.Count - begin, Comparer<int>.Create((left, right) =>
            Compare(tape, left, right) is var order && order != 0 ? order : right.CompareTo(left)));
        var kept = begin;
        for (var i = begin; i < names.Count; i++)
        {
            if (i == begin || Compare(tape, names[kept - 1], names[i]) != 0)
                names[kept++] = names[i];
        }

        names.RemoveRange(kept, names.Count - kept);
    }

    private void WriteObject(int index, ByteBuffer output)
    {
        var begin = _names.Count;
        SortedNames(tape, index, _names);
        var end = _names.Count;
        output.Write((byte)'{');
        for (var i = begin; i < end; i++)
        {
            if (i > begin)
                output.Write((byte)',');
            WriteString(_names[i], output);
            output.Write((byte)':');
            Write(_names[i] + 1, output);
        }

        output.Write((byte)'}');
        _names.RemoveRange(begin, end - begin);
    }

    private void WriteArray(int index, ByteBuffer output)
    {
        output.Write((byte)'[');
        for (var item = index + 1; item < tape[index].Next; item = tape[item].Next)
        {
            if (item > index + 1)
                output.Write((byte)',');
            Write(item, output);
        }

        output.Write((byte)']');
    }

    private void WriteNumber(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        if (numbers == NumberRule.ThroughDouble)
        {
            HasOverflow |= !GoNumber.TryWriteAsDouble(text, output);
            return;
        }

        var stable = GoNumber.IsStable(text);
        HasOverflow |= stable is null;
        HasUnstableNumber |= stable is false;
        output.Write(text);
    }

    private static int Compare(JsonTape tape, int left, int right) =>
        Plain(tape, left).SequenceCompareTo(Plain(tape, right));

    private static ReadOnlySpan<byte> Plain(JsonTape tape, int name) =>
        tape[name].Escaped || !System.Text.Unicode.Utf8.IsValid(tape.Text(name)) ? GoString.Unescape(tape.Text(name)) : tape.Text(name);
}
