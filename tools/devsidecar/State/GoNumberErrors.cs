using System.Text.RegularExpressions;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>What Go's strconv says of a text that is no whole number; it is part of daprd's error messages.</summary>
internal static partial class GoNumberErrors
{
    public static string ParseInt(string function, string text) =>
        $"strconv.{function}: parsing \"{text}\": {(WholeNumber().IsMatch(text) ? "value out of range" : "invalid syntax")}";

    [GeneratedRegex("^[+-]?[0-9]+$")]
    private static partial Regex WholeNumber();
}
