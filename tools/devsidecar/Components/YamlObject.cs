using System.Globalization;
using WhatsAppMesh.DevSidecar.Hosting;
using YamlDotNet.RepresentationModel;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>A mapping of a resource file, read strictly: what is not read by the end is a field this sidecar does not know.</summary>
internal sealed class YamlObject(YamlMappingNode? node, string place)
{
    private readonly HashSet<string> _read = [];

    /// <summary>Where this mapping stands, for error sentences: file and path of fields.</summary>
    public string Place => place;

    public bool Exists => node is not null;

    public IEnumerable<string> Keys => node is null ? [] : node.Children.Keys.Select(key => ((YamlScalarNode)key).Value ?? "");

    public string? Text(string name) => Find(name) switch
    {
        null => null,
        YamlScalarNode { Value: "" or "null" or "~", Style: YamlDotNet.Core.ScalarStyle.Plain } => null,
        YamlScalarNode scalar => scalar.Value,
        _ => throw Wrong(name, "a text"),
    };

    public string Required(string name) => Text(name) ?? throw new StartFailure($"{place}: the field {name} is missing.");

    public int? Number(string name) => Text(name) is not { } text
        ? null
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong(name, "a whole number");

    public bool? Flag(string name) => Text(name) switch
    {
        null => null,
        "true" => true,
        "false" => false,
        _ => throw Wrong(name, "true or false"),
    };

    public YamlObject Object(string name) => Find(name) switch
    {
        null => new YamlObject(null, $"{place}: {name}"),
        YamlMappingNode mapping => new YamlObject(mapping, $"{place}: {name}"),
        YamlScalarNode { Value: "" or "null" or "~" } => new YamlObject(null, $"{place}: {name}"),
        _ => throw Wrong(name, "a mapping"),
    };

    public IReadOnlyList<YamlObject> Objects(string name) => Find(name) switch
    {
        null => [],
        YamlSequenceNode sequence => [.. sequence.Select((item, i) => item is YamlMappingNode mapping
            ? new YamlObject(mapping, $"{place}: {name}[{i}]")
            : throw Wrong($"{name}[{i}]", "a mapping"))],
        _ => throw Wrong(name, "a list"),
    };

    public IReadOnlyList<string> Texts(string name) => Find(name) switch
    {
        null => [],
        YamlSequenceNode sequence => [.. sequence.Select(item => (item as YamlScalarNode)?.Value ?? throw Wrong(name, "a list of texts"))],
        _ => throw Wrong(name, "a list of texts"),
    };

    /// <summary>The names and values of a mapping of texts.</summary>
    public IReadOnlyDictionary<string, string> TextMap(string name)
    {
        var map = Object(name);
        return map.Keys.ToDictionary(key => key, key => map.Text(key) ?? "");
    }

    /// <summary>The names and mappings of a mapping of mappings.</summary>
    public IReadOnlyDictionary<string, YamlObject> ObjectMap(string name)
    {
        var map = Object(name);
        return map.Keys.ToDictionary(key => key, map.Object);
    }

    /// <summary>Marks a field as read whose content changes nothing here.</summary>
    public YamlObject Ignore(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            _read.Add(name);
        return this;
    }

    /// <summary>Ends the reading of this mapping.</summary>
    /// <exception cref="StartFailure">A field was not read: this sidecar does not know it.</exception>
    public void Done()
    {
        if (Keys.FirstOrDefault(key => !_read.Contains(key)) is { } unknown)
            throw new StartFailure($"{place}: the development sidecar does not support the field {unknown}.");
    }

    private YamlNode? Find(string name)
    {
        _read.Add(name);
        return node is not null && node.Children.TryGetValue(new YamlScalarNode(name), out var value) ? value : null;
    }

    private StartFailure Wrong(string name, string wanted) => new($"{place}: the field {name} must be {wanted}.");
}
