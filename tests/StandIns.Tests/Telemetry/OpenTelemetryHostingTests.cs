using System.Diagnostics;
using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class OpenTelemetryHostingTests
{
    // Meters and sources are process-wide, so each test has names of its own.
    private readonly string _name = $"test.{Guid.NewGuid():N}";

    [Fact]
    public async Task Measurements_reach_the_reader_with_the_resource_of_the_host()
    {
        var exporter = new MetricList();
        using var host = Build(services => services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService("tested"))
            .WithMetrics(metrics => metrics.AddMeter(_name).AddReader(new BaseExportingMetricReader(exporter))));
        await host.StartAsync();
        using var meter = new Meter(_name);
        meter.CreateCounter<long>("things").Add(3);
        host.Services.GetRequiredService<MeterProvider>().ForceFlush();

        Assert.Equal([("things", 3L)], exporter.Sums);
        Assert.Equal("tested", exporter.ParentProvider.GetResource().Attributes.Single(pair => pair.Key == "service.name").Value);
    }

    [Fact]
    public async Task Meters_of_the_meter_factory_are_recorded_too()
    {
        var exporter = new MetricList();
        using var host = Build(services => services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddMeter(_name).AddReader(new BaseExportingMetricReader(exporter))));
        await host.StartAsync();
        host.Services.GetRequiredService<IMeterFactory>().Create(_name).CreateCounter<long>("things").Add(1);
        host.Services.GetRequiredService<MeterProvider>().ForceFlush();
        Assert.Equal([("things", 1L)], exporter.Sums);
    }

    [Fact]
    public async Task Tracing_starts_before_services_that_were_added_earlier()
    {
        var ended = new ActivityList();
        using var host = Build(services =>
        {
            services.AddSingleton<IHostedService>(new ActivityAtStart(_name));
            services.AddOpenTelemetry().WithTracing(tracing => tracing.AddSource(_name).AddProcessor(ended));
        });
        await host.StartAsync();
        Assert.Equal(["start"], ended.Names);
    }

    [Fact]
    public async Task Repeated_calls_add_up_to_one_provider()
    {
        var ended = new ActivityList();
        using var host = Build(services =>
        {
            services.AddOpenTelemetry().WithTracing(tracing => tracing.AddProcessor(ended));
            services.AddOpenTelemetry().WithTracing().WithTracing(tracing => tracing.AddSource(_name));
        });
        await host.StartAsync();
        using var source = new ActivitySource(_name);
        source.StartActivity("once")?.Dispose();
        Assert.Equal(["once"], ended.Names);
        Assert.Single(host.Services.GetServices<TracerProvider>());
    }

    [Fact]
    public async Task Disposing_of_the_host_shuts_the_providers_down()
    {
        var ended = new ActivityList();
        var host = Build(services => services.AddOpenTelemetry().WithTracing(tracing => tracing.AddProcessor(ended)).WithMetrics());
        await host.StartAsync();
        await host.StopAsync();
        Assert.False(ended.IsShutDown);
        host.Dispose();
        Assert.True(ended.IsShutDown);
    }

    private static IHost Build(Action<IServiceCollection> add)
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        add(builder.Services);
        return builder.Build();
    }

    private sealed class MetricList : BaseExporter<Metric>
    {
        public List<(string Name, long Sum)> Sums { get; } = [];

        public override ExportResult Export(in Batch<Metric> batch)
        {
            foreach (var metric in batch)
            {
                foreach (ref readonly var point in metric.GetMetricPoints())
                    Sums.Add((metric.Name, point.GetSumLong()));
            }
            return ExportResult.Success;
        }
    }

    private sealed class ActivityList : BaseProcessor<Activity>
    {
        public List<string> Names { get; } = [];

        public bool IsShutDown { get; private set; }

        public override void OnEnd(Activity data) => Names.Add(data.DisplayName);

        protected override bool OnShutdown(int timeoutMilliseconds) => IsShutDown = true;
    }

    private sealed class ActivityAtStart(string source) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            using var activities = new ActivitySource(source);
            activities.StartActivity("start")?.Dispose();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
