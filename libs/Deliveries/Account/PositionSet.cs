using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// An immutable set of log positions, kept as sorted spans that neither touch nor overlap: ten million positions without a gap are one span.
/// Text form and meaning are those of PostgreSQL's <c>int8multirange</c>.
/// </summary>
public sealed class PositionSet : IEquatable<PositionSet>
{
    /// <summary>No position.</summary>
    public static readonly PositionSet Empty = new([]);

    private PositionSet(ImmutableArray<PositionSpan> spans) => Spans = spans;

    /// <summary>The spans in ascending order.</summary>
    public ImmutableArray<PositionSpan> Spans { get; }

    /// <summary>How many positions the set holds.</summary>
    public long Count
    {
        get
        {
            var count = 0L;
            foreach (var span in Spans)
                count += span.Count;
            return count;
        }
    }

    /// <summary>True when the set holds no position.</summary>
    public bool IsEmpty => Spans.IsEmpty;

    /// <summary>The positions <paramref name="from"/> to <paramref name="to"/>, both included; empty when <paramref name="to"/> is smaller.</summary>
    public static PositionSet Range(long from, long to) => to < from ? Empty : new([new PositionSpan(from, to)]);

    /// <summary>The given positions, in any order, repeated or not.</summary>
    public static PositionSet Of(IEnumerable<long> positions) => OfSpans(positions.Select(static position => new PositionSpan(position, position)));

    /// <summary>All positions of the given spans, in any order, overlapping or not.</summary>
    public static PositionSet OfSpans(IEnumerable<PositionSpan> spans)
    {
        var merged = ImmutableArray.CreateBuilder<PositionSpan>();
        foreach (var span in spans.Where(static span => span.To >= span.From).OrderBy(static span => span.From))
        {
            if (merged.Count > 0 && merged[^1].To >= span.From - 1)
                merged[^1] = merged[^1] with { To = Math.Max(merged[^1].To, span.To) };
            else
                merged.Add(span);
        }

        return merged.Count == 0 ? Empty : new(merged.DrainToImmutable());
    }

    /// <summary>True when the set holds <paramref name="position"/>. Binary search: O(log spans).</summary>
    public bool Contains(long position)
    {
        var (low, high) = (0, Spans.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (Spans[middle].To < position)
                low = middle + 1;
            else if (Spans[middle].From > position)
                high = middle - 1;
            else
                return true;
        }

        return false;
    }

    /// <summary>The positions that are in either set.</summary>
    public PositionSet Union(PositionSet other) => other.IsEmpty ? this : IsEmpty ? other : OfSpans(Spans.Concat(other.Spans));

    /// <summary>The positions of this set that are not in <paramref name="other"/>.</summary>
    public PositionSet Subtract(PositionSet other)
    {
        if (IsEmpty || other.IsEmpty)
            return this;

        var rest = ImmutableArray.CreateBuilder<PositionSpan>();
        var next = 0;
        foreach (var span in Spans)
        {
            var (from, isCovered) = (span.From, false);
            while (next < other.Spans.Length && other.Spans[next].To < from)
                next++;
            for (var i = next; i < other.Spans.Length && other.Spans[i].From <= span.To; i++)
            {
                if (other.Spans[i].From > from)
                    rest.Add(new PositionSpan(from, other.Spans[i].From - 1));
                // Before the next position is named: there is none after the last of all.
                isCovered = other.Spans[i].To >= span.To;
                if (isCovered)
                    break;
                from = Math.Max(from, other.Spans[i].To + 1);
            }

            if (!isCovered)
                rest.Add(new PositionSpan(from, span.To));
        }

        return rest.Count == 0 ? Empty : new(rest.DrainToImmutable());
    }

    /// <summary>The positions that are in both sets.</summary>
    public PositionSet Intersect(PositionSet other) => Subtract(Subtract(other));

    /// <summary>What a consumer with this account has not had of the positions <paramref name="oldest"/> to <paramref name="head"/>.</summary>
    public PositionSet MissingBelow(long head, long oldest = 1) => Range(oldest, head).Subtract(this);

    /// <summary>The first <paramref name="count"/> positions.</summary>
    public PositionSet Take(long count)
    {
        var taken = ImmutableArray.CreateBuilder<PositionSpan>();
        foreach (var span in Spans)
        {
            if (count <= 0)
                break;
            taken.Add(span.Count <= count ? span : span with { To = span.From + count - 1 });
            count -= span.Count;
        }

        return taken.Count == 0 ? Empty : new(taken.DrainToImmutable());
    }

    /// <summary>Reads PostgreSQL's canonical text of an <c>int8multirange</c>: <c>{[1,6),[8,9)}</c>.</summary>
    /// <exception cref="FormatException">Not such a text, or a range without an end.</exception>
    public static PositionSet Parse(string text)
    {
        var rest = text.AsSpan().Trim();
        if (rest.Length < 2 || rest[0] != '{' || rest[^1] != '}')
            throw NotMultirange();

        rest = rest[1..^1];
        var spans = new List<PositionSpan>();
        while (!rest.IsEmpty)
        {
            var comma = rest.IndexOf(',');
            var end = rest.IndexOf(')');
            if (rest[0] != '[' || comma < 0 || end < comma
                || !long.TryParse(rest[1..comma], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var from)
                || !long.TryParse(rest[(comma + 1)..end], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var until))
            {
                throw NotMultirange();
            }

            spans.Add(new PositionSpan(from, until - 1));
            rest = rest[(end + 1)..].TrimStart(',');
        }

        return OfSpans(spans);
    }

    /// <summary>PostgreSQL's canonical text of an <c>int8multirange</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("{");
        foreach (var span in Spans)
        {
            if (text.Length > 1)
                text.Append(',');
            text.Append(CultureInfo.InvariantCulture, $"[{span.From},{span.To + 1})");
        }

        return text.Append('}').ToString();
    }

    /// <inheritdoc/>
    public bool Equals(PositionSet? other) => other is not null && Spans.SequenceEqual(other.Spans);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as PositionSet);

    /// <inheritdoc/>
    public override int GetHashCode() => Spans.IsEmpty ? 0 : HashCode.Combine(Spans.Length, Spans[0], Spans[^1]);

    private static FormatException NotMultirange() => new("Expected the text of an int8multirange, such as {[1,6),[8,9)}.");
}
