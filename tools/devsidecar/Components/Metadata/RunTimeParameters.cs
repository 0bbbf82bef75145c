using System.Text.RegularExpressions;
using Npgsql;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Components.Metadata;

/// <summary>
/// Asks a server about what pgx does not know of a connection string: those words are handed to the server, which refuses the session when one
/// is no parameter of its (<c>pool_size=5</c>). The server is the one that this sidecar keeps its own tables on, for the component's is never
/// called here.
/// </summary>
internal sealed partial class RunTimeParameters(ResourceSet resources, SidecarSettings settings)
{
    /// <exception cref="StartFailure">A word is no parameter, or has a value that the server refuses.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        foreach (var component in resources.Components.Values.Where(component => component.Type is "state.postgresql" or "state.postgres"))
        {
            foreach (var (name, value) in PostgresSettings.Read(component).RuntimeParameters)
                await CheckAsync(component, name, value, cancellationToken);
        }
    }

    private async Task CheckAsync(Component component, string name, string value, CancellationToken cancellationToken)
    {
        var options = name == "options" ? value : $"-c {Escape(name)}={Escape(value)}";
        var session = new NpgsqlConnectionStringBuilder(settings.Database) { Pooling = false, Options = options };
        try
        {
            await using var database = new NpgsqlDataSourceBuilder(session.ConnectionString) { Name = "components" }.Build();
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedObject or PostgresErrorCodes.InvalidParameterValue
            or PostgresErrorCodes.SyntaxError or PostgresErrorCodes.CantChangeRuntimeParam
            or PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.InvalidName)
        {
            // The server's own words may hold the value.
            throw new StartFailure(e.SqlState == PostgresErrorCodes.UndefinedObject && name != "options"
                ? $"Component {component.Name}: connectionString: unrecognized configuration parameter \"{name}\": neither pgx nor the server has it."
                : $"Component {component.Name}: connectionString: the server refuses the value of {name} ({e.SqlState}).");
        }
    }

    private static string Escape(string text) => Blank().Replace(text, @"\$0");

    [GeneratedRegex(@"[\s\\]")]
    private static partial Regex Blank();
}
