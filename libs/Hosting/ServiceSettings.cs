using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// The one way a service comes by its settings: each section is bound, checked and registered here, and whatever is wrong, in all sections
/// together, stops the start.
/// </summary>
public sealed class ServiceSettings
{
    private readonly WebApplicationBuilder _builder;
    private readonly List<string> _wrong = [];

    private ServiceSettings(WebApplicationBuilder builder) => _builder = builder;

    /// <summary>The settings of the service that is being put together; the same for all its parts.</summary>
    public static ServiceSettings Of(WebApplicationBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        var registered = builder.Services.FirstOrDefault(static service => service.ServiceType == typeof(ServiceSettings));
        if (registered?.ImplementationInstance is ServiceSettings known)
            return known;
        var settings = new ServiceSettings(builder);
        builder.Services.AddSingleton(settings);
        return settings;
    }

    /// <summary>Reads a section, registers it as a singleton and notes what is wrong with it.</summary>
    /// <param name="section">Its name, such as <c>Dispatch:Sending</c>.</param>
    /// <param name="complete">Gives the settings with what comes from elsewhere, before the check.</param>
    /// <param name="validate">Every broken rule in a sentence with key and value.</param>
    /// <returns>The settings, right or wrong.</returns>
    public TOptions Read<TOptions>(string section, Func<TOptions, IEnumerable<string>> validate, Func<TOptions, TOptions>? complete = null)
        where TOptions : class, new()
    {
        ArgumentNullException.ThrowIfNull(validate);
        // A text that is no number, time or choice: the binder names key and value.
        var options = Try(() => _builder.Configuration.GetSection(section).Get<TOptions>()) ?? new TOptions();
        options = (complete is null ? null : Try(() => complete(options))) ?? options;
        _wrong.AddRange(validate(options));
        _builder.Services.AddSingleton(options);
        return options;
    }

    private TOptions? Try<TOptions>(Func<TOptions?> read) where TOptions : class
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException exception)
        {
            Wrong(exception.Message);
            return null;
        }
    }

    /// <summary>A setting that there must be.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="meaning">What to set it to.</param>
    /// <returns>Its text; empty when it is missing, which is noted.</returns>
    public string Required(string key, string meaning)
    {
        if (_builder.Configuration[key] is { } text && !string.IsNullOrWhiteSpace(text))
            return text;
        Wrong($"{key} is missing: set it to {meaning}.");
        return "";
    }

    /// <summary>Notes what is wrong: a sentence with key and value, no secret.</summary>
    public void Wrong(string sentence) => _wrong.Add(sentence);

    /// <summary>Stops the start when anything is wrong.</summary>
    /// <param name="service">Name of the service.</param>
    /// <exception cref="SettingsException">Something is; it names all of it.</exception>
    public void ThrowIfWrong(string service)
    {
        if (_wrong.Count > 0)
            throw new SettingsException(service, _wrong);
    }
}

/// <summary>A service cannot start with its settings.</summary>
/// <param name="service">Name of the service.</param>
/// <param name="errors">Everything that is wrong, a sentence each, without secrets.</param>
public sealed class SettingsException(string service, IReadOnlyList<string> errors)
    : Exception($"{service} cannot start with these settings:\n  {string.Join("\n  ", errors)}");
