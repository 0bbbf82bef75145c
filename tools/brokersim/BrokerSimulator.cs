using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WhatsAppMesh.BrokerSim;

/// <summary>A running simulated broker: a real HTTP server, in this process.</summary>
public sealed class BrokerSimulator : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BrokerSimulator(WebApplication app, SendBook sends, FaultScript faults, InstanceBook instances)
    {
        _app = app;
        Sends = sends;
        Faults = faults;
        Instances = instances;
        Address = new Uri(app.Urls.First());
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Every send it saw.</summary>
    public SendBook Sends { get; }

    /// <summary>What it is told to do wrong.</summary>
    public FaultScript Faults { get; }

    /// <summary>Its instances.</summary>
    public InstanceBook Instances { get; }

    /// <summary>Starts one; it listens when the task completes.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<BrokerSimulator> StartAsync(BrokerSimOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        builder.Services.AddRouting();
        // A request that hangs must not keep the process from ending.
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        var (sends, faults, instances) = (new SendBook(options.RemembersKeys, options.Window, TimeProvider.System), new FaultScript(), new InstanceBook());
        app.MapBroker(options.ApiKey, sends, faults, instances);
        app.MapControl(sends, faults, instances);
        await app.StartAsync();
        return new BrokerSimulator(app, sends, faults, instances);
    }

    /// <summary>Completes when the process is asked to end.</summary>
    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"broker at {Address}");

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
