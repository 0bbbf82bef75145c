namespace WhatsAppMesh.DevSidecar.Access;

/// <summary>
/// Names of operations as Dapr 1.18 keeps and finds them (<c>pkg/config/acl_trie.go</c>): a path is walked segment by segment, at each the first
/// name that fits is taken and never left again. <c>*</c> alone fits one segment, the last; <c>**</c> alone any that follow; <c>*</c> within
/// a segment any letters. A name also fits what is longer than itself by whole segments.
/// </summary>
internal sealed class OperationTrie
{
    private const string OneSegment = "*";
    private const string AnySegments = "**";

    private readonly Node _root = new("");

    /// <summary>Adds a name, which begins with a slash; the first of two equal ones counts.</summary>
    public void Add(string name, Operation operation)
    {
        var node = _root;
        var segments = name.Split('/')[1..];
        foreach (var (index, segment) in segments.Index())
        {
            var isLast = index == segments.Length - 1;
            var next = node.Below.Find(below => below.Segment == segment);
            if (next is null)
                node.Below.Add(next = new Node(segment) { Operation = isLast ? operation : null });
            else if (isLast)
                next.Operation ??= operation;
            node = next;
        }
    }

    /// <summary>The operation whose name fits a path, which begins with a slash; null when none does.</summary>
    public Operation? Find(string path)
    {
        var node = _root;
        var segments = path.Split('/')[1..];
        foreach (var (index, segment) in segments.Index())
        {
            var isLast = index == segments.Length - 1;
            if (node.Step(segment, isLast) is not { } next)
                return null;
            node = next;
            if (node.Operation is null)
                continue;
            if (isLast || !node.EndsWithOneStar)
                return node.Operation;
        }

        // A path that ends where a name goes on with "/*".
        return node.Step(OneSegment, isLast: true)?.Operation;
    }

    private sealed class Node(string segment)
    {
        public string Segment { get; } = segment;

        public List<Node> Below { get; } = [];

        public Operation? Operation { get; set; }

        // Dapr looks at the end of "/" and the segment: "a*" is no such end, "*" is.
        public bool EndsWithOneStar => Segment == OneSegment;

        public Node? Step(string part, bool isLast) => Below.Find(below => below.Fits(part, isLast));

        private bool Fits(string part, bool isLast) => Segment == part || Segment switch
        {
            OneSegment => isLast,
            AnySegments => true,
            _ => Matches(part, Segment),
        };

        /// <summary>The pattern's stars stand for any letters, also none.</summary>
        private static bool Matches(ReadOnlySpan<char> text, ReadOnlySpan<char> pattern)
        {
            int at = 0, from = 0, star = -1, resume = 0;
            while (at < text.Length)
            {
                if (from < pattern.Length && pattern[from] == '*')
                    (star, resume) = (from++, at);
                else if (from < pattern.Length && pattern[from] == text[at])
                    (from, at) = (from + 1, at + 1);
                else if (star >= 0)
                    (from, at) = (star + 1, ++resume);
                else
                    return false;
            }

            return pattern[from..].IndexOfAnyExcept('*') < 0;
        }
    }
}

/// <summary>What is done about one operation of a callee.</summary>
/// <param name="Action">For calls over gRPC: <c>allow</c>, and everything else denies.</param>
/// <param name="ByVerb">For calls over HTTP: the action by HTTP verb; <c>*</c> = every other one.</param>
internal sealed record Operation(string Action, IReadOnlyDictionary<string, string> ByVerb);
