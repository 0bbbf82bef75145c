using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

public sealed class ServiceSchemaTests
{
    [Fact]
    public async Task A_service_migrates_when_it_starts()
    {
        var schema = new Schema();

        await schema.PrepareAsync(Settings(), default);

        Assert.True(schema.Migrated);
    }

    [Fact]
    public async Task A_service_that_leaves_migrating_to_a_job_only_looks_and_names_what_is_missing()
    {
        var schema = new Schema();

        var refused = await Assert.ThrowsAsync<SchemaBehindException>(() => schema.PrepareAsync(Settings(("Database:MigrateAtStart", "false")), default));

        Assert.Contains("0002_next", refused.Message, StringComparison.Ordinal);
        Assert.False(schema.Migrated);

        await schema.MigrateAsync(default);
        await schema.PrepareAsync(Settings(("Database:MigrateAtStart", "false")), default);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 1)]
    public async Task The_argument_migrate_runs_the_migrations_and_ends(bool fails, int expected)
    {
        var schema = new Schema { Fails = fails };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Services.AddSingleton<IServiceSchema>(schema);
        var app = builder.Build();
        var started = false;
        app.Lifetime.ApplicationStarted.Register(() => started = true);

        Assert.Equal(expected, await app.RunServiceAsync(["migrate"]));

        Assert.Equal(!fails, schema.Migrated);
        Assert.False(started);
    }

    [Fact]
    public async Task A_service_without_a_database_has_nothing_to_migrate() =>
        Assert.Equal(0, await WebApplication.CreateSlimBuilder().Build().RunServiceAsync(["migrate"]));

    private static IConfiguration Settings(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.ToDictionary(s => s.Key, s => (string?)s.Value)).Build();

    private sealed class Schema : IServiceSchema
    {
        public bool Migrated { get; private set; }

        public bool Fails { get; init; }

        public Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<string>>(Migrated ? [] : ["0002_next"]);

        public Task MigrateAsync(CancellationToken cancellationToken)
        {
            if (Fails)
                throw new InvalidOperationException("No database here.");
            Migrated = true;
            return Task.CompletedTask;
        }
    }
}
