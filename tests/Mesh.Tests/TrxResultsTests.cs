using WhatsAppMesh.Mesh.Testing;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class TrxResultsTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public void Failed_and_skipped_tests_both_count_as_failed()
    {
        var results = Read(1, Result("good", "Passed"), Result("bad", "Failed", "expected 1, was 2"), Result("lazy", "NotExecuted"));

        Assert.Equal(1, results.Passed);
        Assert.Equal(["bad", "lazy"], results.Failures.Select(f => f.Name));
        Assert.StartsWith("expected 1, was 2", results.Failures[0].Reason, StringComparison.Ordinal);
        Assert.Contains("skipped", results.Failures[1].Reason, StringComparison.Ordinal);
        Assert.Equal("1 passed, 2 failed", TrxResults.Sum([results]));
    }

    [Fact]
    public void A_test_host_that_died_counts_as_failed()
    {
        File.Delete(_file);

        var results = TrxResults.Read("X.Tests", _file, 134, TimeSpan.Zero);

        Assert.Contains("exit code 134", Assert.Single(results.Failures).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Good_results_with_a_bad_exit_code_count_as_failed() =>
        Assert.Contains("exit code 1", Assert.Single(Read(1, Result("good", "Passed")).Failures).Reason, StringComparison.Ordinal);

    [Fact]
    public void A_project_without_tests_counts_as_failed() => Assert.Single(Read(0).Failures);

    [Fact]
    public void Results_of_all_projects_are_summed()
    {
        var one = Read(0, Result("a", "Passed"), Result("b", "Passed"));
        var two = Read(1, Result("c", "Failed", "no"));

        Assert.Equal("2 passed, 1 failed", TrxResults.Sum([one, two]));
    }

    [Fact]
    public void A_test_that_passes_the_second_time_has_passed_and_one_that_fails_again_has_failed()
    {
        var first = Read(1, Result("good", "Passed"), Result("steady(n: 1)", "Failed", "first"), Result("unsteady", "Failed", "chance"));

        var result = first.After(Read(1, Result("steady(n: 1)", "Failed", "again"), Result("steady(n: 2)", "Passed"), Result("unsteady", "Passed")));

        Assert.Equal("2 passed, 1 failed", TrxResults.Sum([result]));
        Assert.Equal(("steady(n: 1)", "steady", "first"), (result.Failures[0].Name, result.Failures[0].Method, result.Failures[0].Reason.Split('\n')[0]));
    }

    [Fact]
    public void A_second_run_that_left_tests_out_or_did_not_end_well_cures_nothing()
    {
        var first = Read(1, Result("a", "Failed"), Result("b", "Failed"));

        Assert.Equal(["a", "b"], first.After(Read(0, Result("a", "Passed"))).Failures.Select(f => f.Name));
        Assert.Equal(["a", "b"], first.After(Read(1, Result("a", "Passed"), Result("b", "Passed"))).Failures.Select(f => f.Name));
    }

    [Fact]
    public void A_case_that_fails_only_the_second_time_is_no_cure() =>
        Assert.Equal(["t(n: 1)"], Read(1, Result("t(n: 1)", "Failed")).After(Read(1, Result("t(n: 1)", "Passed"), Result("t(n: 2)", "Failed"))).Failures.Select(f => f.Name));

    [Theory]
    [InlineData("The active test run was aborted. Reason: Test host process crashed", 2)]
    [InlineData("[xUnit.net 00:00:01.20]     bad [FAIL]", 1)]
    public void A_run_that_ended_early_is_a_failure_beside_those_of_its_tests(string said, int failures) =>
        Assert.Equal(failures, Read(1, Result("bad", "Failed"), $"<RunInfo outcome=\"Error\"><Text>{said}</Text></RunInfo>").Failures.Count);

    private TestResults Read(int exitCode, params string[] results)
    {
        File.WriteAllText(_file, $"""
            <TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>{string.Concat(results)}</Results></TestRun>
            """);
        return TrxResults.Read("X.Tests", _file, exitCode, TimeSpan.FromSeconds(1));
    }

    private static string Result(string name, string outcome, string message = "") =>
        $"<UnitTestResult testName=\"{name}\" outcome=\"{outcome}\"><Output><ErrorInfo><Message>{message}</Message></ErrorInfo></Output></UnitTestResult>";
}
