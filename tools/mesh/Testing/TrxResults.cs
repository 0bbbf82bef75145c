using System.Globalization;
using System.Xml.Linq;

namespace WhatsAppMesh.Mesh.Testing;

/// <summary>A test that did not pass.</summary>
/// <param name="Project">Project it is in.</param>
/// <param name="Name">Its name.</param>
/// <param name="Reason">Message and first lines of the stack, or why it counts as failed.</param>
public sealed record TestFailure(string Project, string Name, string Reason)
{
    /// <summary>What the run as a whole is called where no single test can be blamed.</summary>
    public const string Run = "(test run)";

    /// <summary>False: the run failed, not a test.</summary>
    public bool IsTest => Name != Run;

    /// <summary>The test's method: its name without the arguments.</summary>
    public string Method => Name.Split('(')[0];
}

/// <summary>What became of one project's tests.</summary>
/// <param name="Project">Name of the project.</param>
/// <param name="Passed">Tests that passed.</param>
/// <param name="Failures">Every other test: failed, skipped, or lost because the test host ended early.</param>
/// <param name="Elapsed">Time it took.</param>
public sealed record TestResults(string Project, int Passed, IReadOnlyList<TestFailure> Failures, TimeSpan Elapsed)
{
    /// <summary>The results once those that failed were run again: a test that failed both times has failed, and so has a second run that did not end well, or left a test out.</summary>
    public TestResults After(TestResults again)
    {
        ArgumentNullException.ThrowIfNull(again);
        var both = Elapsed + again.Elapsed;
        if (again.Passed + again.Failures.Count < Failures.Count || again.Failures.Any(static failure => !failure.IsTest))
            return this with { Elapsed = both };
        // Whatever fails now has failed, by whatever name: a case of a theory that passed before, too.
        var cured = Failures.Count(one => again.Failures.All(other => other.Method != one.Method));
        return this with { Passed = Passed + cured, Failures = [.. Failures.Where(one => again.Failures.Any(other => other.Method == one.Method))], Elapsed = both };
    }
}

/// <summary>Reads the result files (TRX) of <c>dotnet test</c>.</summary>
public static class TrxResults
{
    private const int StackLines = 6;

    private static readonly XNamespace Schema = "http://microsoft.com/schemas/VisualStudio/TeamTest/2010";

    /// <summary>
    /// Reads a project's results. A skipped test counts as failed: nobody notices one otherwise. So does a run that ended with another
    /// exit code than its tests explain, and a file that is missing because the test host died.
    /// </summary>
    public static TestResults Read(string project, string file, int exitCode, TimeSpan elapsed)
    {
        if (!File.Exists(file))
            return new TestResults(project, 0, [Lost(project, $"the test run ended with exit code {exitCode} and left no results")], elapsed);
        var document = XDocument.Load(file);
        var results = document.Descendants(Schema + "UnitTestResult").ToList();
        var failures = results.Where(r => Outcome(r) != "Passed").Select(r => new TestFailure(project, Name(r), Reason(r))).ToList();
        if (exitCode != 0 && failures.Count == 0)
            failures.Add(Lost(project, $"all results are good, but the test run ended with exit code {exitCode}{RunMessages(document)}"));
        if (failures.Count > 0 && WasAborted(document))
            failures.Add(Lost(project, $"the test run ended early, so tests are missing{RunMessages(document)}"));
        if (results.Count == 0 && failures.Count == 0)
            failures.Add(Lost(project, "the project holds no test"));
        return new TestResults(project, results.Count(r => Outcome(r) == "Passed"), failures, elapsed);
    }

    /// <summary>The closing line over all projects.</summary>
    public static string Sum(IReadOnlyCollection<TestResults> results) => string.Create(
        CultureInfo.InvariantCulture, $"{results.Sum(r => r.Passed)} passed, {results.Sum(r => r.Failures.Count)} failed");

    private static TestFailure Lost(string project, string reason) => new(project, TestFailure.Run, reason);

    private static string Outcome(XElement result) => (string?)result.Attribute("outcome") ?? "";

    private static string Name(XElement result) => (string?)result.Attribute("testName") ?? "";

    private static string Reason(XElement result)
    {
        if (Outcome(result) == "NotExecuted")
            return "was skipped, which counts as failed";
        var error = result.Descendants(Schema + "ErrorInfo").FirstOrDefault();
        var message = (string?)error?.Element(Schema + "Message") ?? Outcome(result);
        var stack = ((string?)error?.Element(Schema + "StackTrace") ?? "").Split('\n').Where(l => l.Length > 0).Take(StackLines);
        return string.Join('\n', stack.Prepend(message.TrimEnd()));
    }

    // The runner notes each failed test as an error of the run, too; what remains is what became of the run itself.
    private static bool WasAborted(XDocument document) => document.Descendants(Schema + "RunInfo")
        .Any(static info => (string?)info.Attribute("outcome") is "Error" or "Aborted" && !((string?)info.Element(Schema + "Text") ?? "").TrimStart().StartsWith("[xUnit.net", StringComparison.Ordinal));

    private static string RunMessages(XDocument document)
    {
        var text = string.Join(' ', document.Descendants(Schema + "RunInfo").Select(info => ((string?)info.Element(Schema + "Text") ?? "").Trim()));
        return text.Length == 0 ? "" : $": {text}";
    }
}
