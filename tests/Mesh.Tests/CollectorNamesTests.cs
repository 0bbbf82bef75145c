using System.Text.RegularExpressions;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>What README tells a user to set for wpp-tui is what wpp-tui reads, by the table that says where each name was seen.</summary>
public sealed partial class CollectorNamesTests
{
    private static readonly string Root = FindRoot();

    private static readonly IReadOnlyList<string[]> Table = ReadTable();

    [Fact]
    public void Readme_names_only_variables_that_wpp_tui_was_seen_to_read()
    {
        var named = ReadmeNames();
        Assert.NotEmpty(named);
        Assert.All(named, name => Assert.Contains(name, Table.Select(static row => row[0])));
    }

    [Fact]
    public void Readme_names_every_variable_without_which_wpp_tui_collects_nothing() =>
        Assert.Equal(Table.Where(static row => row[1] == "yes").Select(static row => row[0]), ReadmeNames());

    [Fact]
    public void Table_says_of_each_name_in_which_commit_and_when_it_was_seen()
    {
        Assert.All(Table, static row => Assert.Matches(@"^`[0-9a-f]{7}`, 20\d\d-\d\d-\d\d$", row[^1]));
        Assert.Equal(Table.Count, Table.Select(static row => row[0]).Distinct().Count());
    }

    [Fact]
    public void No_document_gives_wpp_tui_another_name_for_its_secret()
    {
        string[] files = [Path.Combine(Root, "README.md"), .. Directory.GetFiles(Path.Combine(Root, "docs"), "*.md")];
        foreach (var file in files)
            Assert.DoesNotMatch(AssignedSecret(), File.ReadAllText(file));
    }

    // Names that the first code block behind "For wpp-tui:" assigns.
    private static List<string> ReadmeNames()
    {
        var block = WppTuiBlock().Match(File.ReadAllText(Path.Combine(Root, "README.md")));
        Assert.True(block.Success, "README has no block for wpp-tui");
        return [.. Assignment().Matches(block.Groups[1].Value).Select(static match => match.Groups[1].Value)];
    }

    // Rows of the table below "## wpp-tui", as cells; the name without its quotes.
    private static List<string[]> ReadTable()
    {
        var section = WppTuiSection().Match(File.ReadAllText(Path.Combine(Root, "docs", "collectors.md"))).Groups[1].Value;
        var rows = Row().Matches(section).Select(static row => row.Value.Trim('|').Split('|', StringSplitOptions.TrimEntries));
        return [.. rows.Select(static cells => (string[])[cells[0].Trim('`'), .. cells[1..]])];
    }

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "global.json")))
            folder = folder.Parent;
        return folder.FullName;
    }

    [GeneratedRegex(@"For wpp-tui:\s+```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex WppTuiBlock();

    [GeneratedRegex(@"^([A-Z][A-Z0-9_]*)=", RegexOptions.Multiline)]
    private static partial Regex Assignment();

    [GeneratedRegex(@"^## wpp-tui\n(.*?)(?=^## )", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex WppTuiSection();

    [GeneratedRegex(@"^\| `[A-Z].*\|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"^WEBHOOK_SECRET=", RegexOptions.Multiline)]
    private static partial Regex AssignedSecret();
}
