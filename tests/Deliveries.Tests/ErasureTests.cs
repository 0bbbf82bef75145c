using WhatsAppMesh.Events;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class ErasureTests
{
    [Fact]
    public async Task Dead_letters_of_the_tenant_lose_the_person_and_those_of_others_or_of_nobody_are_left_alone()
    {
        const string Jid = "12025550103@s.whatsapp.net";
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        foreach (var (position, tenant) in new[] { (1L, Envelopes.Tenant), (2L, "globex") })
        {
            var value = Envelopes.Event(position, tenant: tenant);
            value.PayloadJson = $$"""{"from":"{{Jid}}"}""";
            await replica.DeliverDeadAsync(Envelopes.Of(value));
        }
        await replica.DeliverDeadAsync($$"""{"id":"whose?","data":"{{Jid}}"}""");
        var erasure = new Erasure(
            Envelopes.Tenant, Guid.NewGuid(), new Person(Guid.NewGuid(), [Events.Jid.Parse(Jid)]), "reason", "ops", "", new Dictionary<int, long>());

        foreach (var changed in new[] { 1L, 0L })
        {
            await using var connection = await world.Sql.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            Assert.Equal(changed, await DeliveriesErasure.EraseDeadLettersAsync(erasure, transaction, default));
            await transaction.CommitAsync();
        }

        Assert.Equal("-true, acme-false, globex-true", await world.QueryAsync<string>(
            "select string_agg(tenant || '-' || (envelope like '%12025550103%')::text, ', ' order by tenant) from deliveries.dead_letters"));
    }
}
