using System.Globalization;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>A campaign's report for people.</summary>
public static class FaultTable
{
    /// <summary>Column headings of <see cref="Rows"/>.</summary>
    public static IReadOnlyList<string> Headers { get; } =
        ["fault", "target", "at s", "lasted s", "in flight", "lost", "doubled", "recovered s", ""];

    /// <summary>A row for each fault, then one for each that could not be brought about.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Rows(FaultReport report) =>
    [
        .. report.Rows.Select(row => (IReadOnlyList<string>)
        [
            NameOf(row.Kind), row.Target, Number(row.AtSeconds), Number(row.LastedSeconds), row.InFlight.ToString(CultureInfo.InvariantCulture),
            row.Lost.ToString(CultureInfo.InvariantCulture), row.Doubled.ToString(CultureInfo.InvariantCulture), Recovered(row), row.Note,
        ]),
        .. report.NotRun.Select(reason => (IReadOnlyList<string>)["not run", "", "", "", "", "", "", "", reason]),
    ];

    /// <summary>One fault as a line, told while the campaign runs.</summary>
    public static string Line(FaultRow row) => string.Create(
        CultureInfo.InvariantCulture,
        $"{row.AtSeconds,6:F1} s  {NameOf(row.Kind)} {row.Target}: {row.InFlight} in flight, {row.Lost} lost, {row.Doubled} doubled, recovered in {Recovered(row)} s{(row.Note.Length > 0 ? $" ({row.Note})" : "")}");

    /// <summary>The totals as a sentence.</summary>
    public static string Totals(FaultReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"seed {report.Seed}: {report.Rows.Count} faults; {report.Posted:N0} events posted in {report.Tries:N0} tries, {report.Accepted:N0} accepted, {report.Lost} lost, {report.Doubled} doubled; {report.Sends:N0} sends to be made; everything done {report.SettledSeconds:F1} s after the load.");

    private static string Recovered(FaultRow row) => row.RecoveredSeconds is { } seconds ? Number(seconds) : "never";

    private static string Number(double seconds) => seconds.ToString("F1", CultureInfo.InvariantCulture);

    private static string NameOf(FaultKind kind) => kind switch
    {
        FaultKind.Kill => "kill -9",
        FaultKind.Pause => "pause",
        FaultKind.Restart => "restart",
        FaultKind.KillBackends => "kill -9 of all backends",
        FaultKind.CrashDatabase => "crash and start",
        FaultKind.PauseDatabase => "pause of all backends",
        FaultKind.LockHead => "log's head locked",
        FaultKind.FillDisk => "disk full",
        FaultKind.FillLog => "disk full, log too",
        FaultKind.PowerCut => "power cut",
        _ => kind.ToString(),
    };
}
