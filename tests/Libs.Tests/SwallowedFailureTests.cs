using System.Text.RegularExpressions;

namespace WhatsAppMesh.Libs.Tests;

/// <summary>
/// No failure of what a service needs is swallowed in silence: whoever catches one throws on, answers the caller with a refusal, or reports it
/// to a <see cref="WhatsAppMesh.Hosting.DependencyState"/>. Read from the sources, so that a new catch has to say which it is.
/// </summary>
public sealed partial class SwallowedFailureTests
{
    private static readonly string[] Folders = ["services", "libs/Deliveries", "libs/GroupCommit", "libs/Hosting", "libs/Migrations"];

    /// <summary>Catches that do none of it, and why that is right. An entry that no catch needs fails the test too.</summary>
    private static readonly Dictionary<string, string> Heard = new()
    {
        ["libs/Deliveries/Batches/BatchProcessor.cs"] = "the failure is returned, and becomes the verdict on its event, which is counted",
        ["libs/Deliveries/Batches/BatchTransaction.cs"] = "the failure is returned, and becomes the verdict on its events",
        ["libs/Deliveries/Pull/LakePuller.cs"] = "kept, and thrown at the end of the step, whose loop reports it",
        ["libs/Deliveries/Replay/ReplayTopic.cs"] = "a request that nobody can fulfil is said and dropped",
        ["libs/Deliveries/Replay/Replayer.cs"] = "the failure is returned, and recorded with its dead letter",
        ["libs/GroupCommit/GroupCommit.cs"] = "each waiting caller is given it",
        ["libs/Hosting/ContainerMemory.cs"] = "no limit is set, or the system tells none",
        ["libs/Hosting/Readiness.cs"] = "/readyz says so",
        ["libs/Hosting/ServiceSchema.cs"] = "the process ends with it",
        ["libs/Migrations/SchemaMigration.cs"] = "the service has not started yet, says so and waits",
        ["services/dispatch/Claims/ClaimStore.cs"] = "the call inside has been counted and has reported",
        ["services/dispatch/Executions/BulkReplays.cs"] = "counted as skipped in the figures of the bulk replay itself",
        ["services/dispatch/Sending/JobPoller.cs"] = "the call of the state store has been counted and has reported",
        ["services/dispatch/Sending/RunWorker.cs"] = "the call of the state store has been counted and has reported",
        ["services/edge/Operator/OperatorGate.cs"] = "the client is gone; the answer is counted by its reason",
        ["services/edge/Sources/SecretReader.cs"] = "reported once the whole reading has ended",
        ["services/ingest/EventsApi.cs"] = "the caller is answered 503; the lake has reported",
        ["services/ingest/Publishing/SidecarPublisher.cs"] = "returned to the publisher, which reports it",
    };

    [Fact]
    public void Whoever_catches_a_failure_of_a_dependency_passes_it_on_or_reports_it()
    {
        var silent = Folders.SelectMany(static folder => Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories))
            .Where(static file => !file.Split(Path.DirectorySeparatorChar).Contains("obj"))
            .SelectMany(static file => Silent(File.ReadAllText(file)).Select(clause => (File: Path.GetRelativePath(Root, file), Clause: clause))).ToArray();

        Assert.DoesNotContain(silent, static found => !Heard.ContainsKey(found.File));
        Assert.Empty(Heard.Keys.Except(silent.Select(static found => found.File)));
    }

    [Theory]
    [InlineData("catch (NpgsqlException) { return null; }", true)]
    [InlineData("catch { }", true)]
    [InlineData("catch (Exception e) when (e is not OperationCanceledException) { Log.NotDone(logger, e.Message); }", true)]
    [InlineData("catch (RpcException e) { if (e.StatusCode != 0) { last = null; } }", true)]
    [InlineData("catch (NpgsqlException e) { state.Fails(e); return null; }", false)]
    [InlineData("catch (NpgsqlException e) { if (x) { throw; } }", false)]
    [InlineData("catch (RpcException e) { services.Missed(app, e); }", false)]
    [InlineData("catch (JsonException) { return null; }", false)]
    [InlineData("catch (Exception e) when (e is JsonException or FormatException) { return null; }", false)]
    [InlineData("catch (RpcException e) { await ProblemAnswers.WriteAsync(context, 503); }", false)]
    [InlineData("catch (OperationCanceledException) when (stopping.IsCancellationRequested) { return; }", false)]
    public void A_catch_is_read_as_what_it_is(string code, bool isSilent) => Assert.Equal(isSilent, Silent(code).Any());

    private static string Root { get; } = FindRoot();

    private static IEnumerable<string> Silent(string code) =>
        from match in Clause().Matches(code)
        let clause = match.Groups[1].Value
        where clause.Length == 0 || Dependency().IsMatch(clause)
        let body = Body(code, match.Index + match.Length)
        where !Passes().IsMatch(clause + body)
        select clause.Trim();

    private static string Body(string code, int start)
    {
        var end = start;
        for (var depth = 1; depth > 0 && end < code.Length; end++)
            depth += code[end] switch { '{' => 1, '}' => -1, _ => 0 };
        return code[start..end];
    }

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
                return folder.FullName;
        }

        throw new DirectoryNotFoundException("No folder above the tests holds global.json.");
    }

    [GeneratedRegex(@"\bcatch\b\s*((?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\s*(?:when\s*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?)?)\s*\{")]
    private static partial Regex Clause();

    // What a database, a sidecar or another service fails with; a general catch is one of those too.
    [GeneratedRegex(@"\((?:Npgsql|Postgres|Rpc|Dapr|HttpRequest|Socket|Timeout|Lake\w+)?Exception\b")]
    private static partial Regex Dependency();

    // The last: a text that cannot be read says nothing about who gave it.
    [GeneratedRegex(@"\bthrow\b|\.Fails\(|\.Count\(|\bMissed\(|\bRefusal\b|RequestGate\.Away|\bAway\(|StatusCode\.Cancelled|ProblemAnswers\.|ApiRefusal|RefuseAsync|is JsonException")]
    private static partial Regex Passes();
}
