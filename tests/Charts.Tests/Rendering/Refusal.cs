namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>
/// What helm says of values that it does not take, in whatever words: its versions write <c>services.edge: Additional property replica</c>,
/// <c>at '/services/edge': additional properties 'replica'</c>, or the whole path of a value.
/// </summary>
internal static class Refusal
{
    /// <summary>The errors name the place, whole or as a key of the map around it.</summary>
    public static void Names(string place, string errors)
    {
        var said = errors.Replace('/', '.');
        var end = place.LastIndexOf('.');
        var (around, key) = end < 0 ? ("", place) : (place[..end], place[(end + 1)..]);
        var apart = said.Contains(around, StringComparison.Ordinal) && said.Contains(key, StringComparison.Ordinal);
        Assert.True(said.Contains(place, StringComparison.Ordinal) || apart, $"Nothing about {place} in: {errors}");
    }
}
