using System.Text.Json;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>The configured senders cannot be used; the message says every reason.</summary>
public sealed class CatalogException(IReadOnlyList<string> errors) : Exception(string.Join(' ', errors))
{
    /// <summary>Every reason, without secrets.</summary>
    public IReadOnlyList<string> Errors { get; } = errors;
}

/// <summary>Reads the configured senders from the section <c>Edge</c>, the senders' file and the older systems' variables.</summary>
public sealed class CatalogFile(IConfiguration configuration, EdgeOptions options)
{
    private const string DefaultName = "default";

    /// <summary>Reads and checks them.</summary>
    /// <exception cref="CatalogException">The file cannot be read, or some entry is wrong.</exception>
    public async Task<CatalogSettings> ReadAsync(CancellationToken cancellationToken)
    {
        var settings = WithAliases(ReadSection().With(await ReadFileAsync(cancellationToken)));
        var errors = CatalogValidator.Validate(settings);
        return errors.Count == 0 ? settings : throw new CatalogException(errors);
    }

    private CatalogSettings ReadSection()
    {
        try
        {
            return configuration.GetSection("Edge").Get<CatalogSettings>() ?? new CatalogSettings();
        }
        catch (InvalidOperationException)
        {
            throw new CatalogException(
                ["Section Edge: an entry of Sources, Triggers, Crm, Broker, Waha, Evolution or ApiKeys has a value of the wrong type."]);
        }
    }

    private async Task<CatalogSettings> ReadFileAsync(CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(options.SourcesFile))
            return new CatalogSettings();
        try
        {
            var json = await File.ReadAllBytesAsync(options.SourcesFile, cancellationToken);
            return JsonSerializer.Deserialize(json, CatalogJson.Default.CatalogSettings) ?? new CatalogSettings();
        }
        catch (JsonException exception)
        {
            var place = FormattableString.Invariant($"{exception.Path ?? "$"}, line {exception.LineNumber + 1}");
            throw new CatalogException([$"Edge:SourcesFile is not as it should be at {place}."]);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new CatalogException([$"Edge:SourcesFile cannot be read ({exception.GetType().Name})."]);
        }
    }

    private CatalogSettings WithAliases(CatalogSettings settings) => settings with
    {
        Sources = WithAlias(settings.Sources, "WHATSAPP_WEBHOOK_SECRET"),
        Broker = WithAlias(settings.Broker, "WHATSAPP_BROKER_API_KEY"),
    };

    private IReadOnlyList<SourceSettings> WithAlias(IReadOnlyList<SourceSettings> entries, string variable)
    {
        var secret = configuration[variable];
        if (string.IsNullOrEmpty(secret) || entries.Any(static entry => entry.Name == DefaultName))
            return entries;
        return [.. entries, new SourceSettings { Name = DefaultName, Secrets = [new SecretSettings { Id = variable, Value = secret }] }];
    }
}
