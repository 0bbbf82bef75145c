namespace WhatsAppMesh.Hostile;

/// <summary>Evolution's door, whose key stands in a body that nobody has vouched for.</summary>
public static class EvolutionRows
{
    private const string Door = "/api/integrations/evolution/webhook";

    private static readonly string Header = "apikey: " + Senders.EvolutionKey;
    private static readonly string Member = $"\"apikey\":\"{Senders.EvolutionKey}\"";

    private static readonly string Escaped = Member.Replace("apikey", "\\u0061pikey", StringComparison.Ordinal);
    private static readonly string Twice = $"{Member},{Member}";
    private static readonly string Different = $"{Member},\"instanceToken\":\"other\"";
    private static readonly string Deep = new string('[', 100_000) + new string(']', 100_000);
    private static readonly string Long = new('k', 1_000_000);

    public static IEnumerable<Row> All =>
    [
        new("Evolution, key in the body", m => Request.At(Door, Message(m, Member)), [202], null, 1) { Times = 2, Holds = "\"source\":\"web\"}}" },
        new("Evolution, key in a header", m => Request.At(Door, Message(m, "\"apikey\":null"), Header), [202], null, 1) { Times = 2 },
        new("Evolution Go, token in the body", m => Request.At(Door, Message(m, $"\"instanceToken\":\"{Senders.EvolutionKey}\"")), [202], null, 1),
        new("Evolution, event behind the path", m => Request.At(Door + "/messages-upsert", Message(m, Member)), [202], null, 1),
        new("Evolution, a way up behind the path", m => Request.At(Door + "/..%2f..%2fv2%2fevents", Message(m, Member)), [202], null, 1),
        new("Evolution, key escaped in the body", m => Request.At(Door, Message(m, Escaped)), [202], null, 1),
        new("Evolution without a key", m => Request.At(Door, Message(m, "\"apikey\":null")), [401], "missing_api_key"),
        new("Evolution with a wrong key", m => Request.At(Door, Message(m, "\"apikey\":\"nobody\"")), [401], "invalid_api_key"),
        new("Evolution with two keys of one name", m => Request.At(Door, Message(m, Twice)), [401], "invalid_api_key"),
        new("Evolution with two different keys", m => Request.At(Door, Message(m, Different)), [401], "invalid_api_key"),
        new("Evolution with another door's key", m => Request.At(Door, Message(m, Member), "apikey: " + Senders.ApiKey), [401], "invalid_api_key"),
        new("Evolution, key below the top", m => Request.At(Door, $$"""{"data":{ {{Member}},"text":"{{m.Text}}" } }"""), [401], "missing_api_key"),
        new("Evolution, key in a body that is cut short", m => Request.At(Door, $$"""{ {{Member}},"text":"{{m.Text}}" """), [401], "missing_api_key"),
        new("Evolution, key behind 100,000 levels", m => Request.At(Door, $"{{\"text\":\"{m.Text}\",\"data\":{Deep},{Member}}}"), [401], "missing_api_key"),
        new("Evolution, key of a megabyte", m => Request.At(Door, $$"""{"text":"{{m.Text}}","apikey":"{{Long}}"}"""), [401], "invalid_api_key"),
        new("Evolution: no object", m => Request.At(Door, $"[\"{m.Text}\"]", Header), [422], "invalid_body"),
        new("Evolution: no JSON", m => Request.At(Door, m.Text, Header), [422], "invalid_body"),
        new("Evolution: 20,000 levels", _ => Request.At(Door, new string('[', 20_000) + new string(']', 20_000), Header), [422], "invalid_body"),
        new("Evolution: two keys of one name beside the header", m => Request.At(Door, Message(m, Twice), Header), [422], "invalid_body"),
        new("Evolution: two kinds of data", m => Request.At(Door, Message(m, "\"data\":{}"), Header), [422], "invalid_body"),
        new("Evolution: nothing that is known, kept raw", m => Request.At(Door, $$"""{"text":"{{m.Text}}"}""", Header), [202], null, 1),
        new("Evolution: a form", m => Request.At(Door, Message(m, Member)).As("application/x-www-form-urlencoded"), [415], "unsupported_media_type"),
    ];

    private static string Message(Mark mark, string key) =>
        $$$"""{"event":"messages.upsert","instance":"i","data":{{{Data(mark)}}},{{{key}}}}""";

    private static string Data(Mark mark) => $$$"""{"key":{"remoteJid":"{{{mark.Jid}}}","id":"{{{mark.Text}}}"},"source":"web"}""";
}
