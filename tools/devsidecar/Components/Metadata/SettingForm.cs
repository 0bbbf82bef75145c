using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.Components.Metadata;

/// <summary>How a component of Dapr reads a setting. Redis components have a reader of their own, the others share one.</summary>
/// <param name="Wanted">What the setting must be, for a sentence.</param>
/// <param name="Accepts">Whether the component starts with a value.</param>
internal sealed record SettingForm(string Wanted, Func<string, bool> Accepts)
{
    /// <summary>Any text.</summary>
    public static readonly SettingForm Text = new("a text", _ => true);

    /// <summary>y, yes, true, t, on and 1 are true, everything else is false; nothing is refused.</summary>
    public static readonly SettingForm Truth = new("true or false", _ => true);

    /// <summary>A whole number in any of Go's notations; nothing is 0.</summary>
    public static readonly SettingForm Number = new("a whole number", text => GoValues.ParseAnyInt(text) is not null);

    /// <summary>As <see cref="Number"/>, from 0 to 255.</summary>
    public static readonly SettingForm Byte = new("a whole number from 0 to 255", text => GoValues.ParseAnyInt(text) is >= 0 and <= byte.MaxValue);

    /// <summary>A whole number in decimal digits, or nothing.</summary>
    public static readonly SettingForm OptionalDigits = new(
        "a whole number in decimal digits", text => text.Length == 0 || GoValues.ParseInt(text) is >= int.MinValue and <= int.MaxValue);

    /// <summary>A duration of Go, a whole number of seconds, or nothing.</summary>
    public static readonly SettingForm Duration = new("a duration such as 30s or 1h30m, or a whole number of seconds", IsDuration);

    /// <summary>As <see cref="Duration"/>, at least a second.</summary>
    public static readonly SettingForm Timeout = new(
        "a duration of at least 1s",
        text => IsDuration(text) && (GoDuration.Parse(text) ?? TimeSpan.FromSeconds(GoValues.ParseInt(text) ?? 0)) >= TimeSpan.FromSeconds(1));

    /// <summary>One or several PEM blocks, the text of them and not a path; or nothing.</summary>
    public static readonly SettingForm Pem = new(
        "text in PEM form", text => text.Length == 0 || text.Contains("-----BEGIN ", StringComparison.Ordinal));

    /// <summary>What Go's ParseBool takes, for the Redis components: "yes" and "on" are refused.</summary>
    public static readonly SettingForm RedisTruth = new("true or false", text => GoValues.ParseBool(text) is not null);

    /// <summary>A whole number in decimal digits, for the Redis components: nothing is refused.</summary>
    public static readonly SettingForm RedisNumber = new("a whole number in decimal digits", text => GoValues.ParseInt(text) is not null);

    /// <summary>As <see cref="RedisNumber"/>, not below 0.</summary>
    public static readonly SettingForm RedisCount = new(
        "a whole number in decimal digits, not below 0", text => GoValues.ParseUint(text) is not null);

    /// <summary>As <see cref="RedisCount"/>, at most 65535.</summary>
    public static readonly SettingForm RedisPort = new("a port", text => GoValues.ParseUint(text) is <= ushort.MaxValue);

    /// <summary>A duration of Go or a whole number of milliseconds, for the Redis components.</summary>
    public static readonly SettingForm RedisDuration = new(
        "a duration such as 30s or 1h30m, or a whole number of milliseconds",
        text => GoValues.ParseInt(text) is not null || GoDuration.Parse(text) is not null);

    /// <summary>One of some words, in capitals or not, or nothing.</summary>
    public static SettingForm OneOf(params string[] words) =>
        new($"one of {string.Join(", ", words)}", text => text.Length == 0 || words.Contains(text, StringComparer.OrdinalIgnoreCase));

    /// <summary>One of some words, exactly as they are written.</summary>
    public static SettingForm Exactly(params string[] words) =>
        new($"one of {string.Join(", ", words)}", text => words.Contains(text, StringComparer.Ordinal));

    private static bool IsDuration(string text) => text.Length == 0 || GoDuration.Parse(text) is not null || GoValues.ParseInt(text) is not null;
}
