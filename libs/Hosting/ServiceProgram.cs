using Microsoft.AspNetCore.Builder;

namespace WhatsAppMesh.Hosting;

/// <summary>What every service's program does.</summary>
public static class ServiceProgram
{
    /// <summary>
    /// Puts the service together and runs it, or only its migrations when the first argument is <c>migrate</c>. Settings that are wrong end
    /// it with a sentence for each.
    /// </summary>
    /// <param name="args">The program's arguments.</param>
    /// <param name="add">Registers what the service is made of.</param>
    /// <param name="map">Maps what it answers.</param>
    /// <returns>Exit code: 1 when the settings are wrong or the migrations failed.</returns>
    public static async Task<int> RunAsync(string[] args, Action<WebApplicationBuilder> add, Action<WebApplication> map)
    {
        ArgumentNullException.ThrowIfNull(add);
        ArgumentNullException.ThrowIfNull(map);
        WebApplication app;
        try
        {
            var builder = WebApplication.CreateBuilder(args);
            add(builder);
            app = builder.Build();
        }
        catch (SettingsException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message).ConfigureAwait(false);
            return 1;
        }

        map(app);
        return await app.RunServiceAsync(args).ConfigureAwait(false);
    }
}
