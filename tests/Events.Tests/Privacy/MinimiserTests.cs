using System.Text.Json;
using static WhatsAppMesh.Events.Tests.PersonSamples;

namespace WhatsAppMesh.Events.Tests;

public sealed class MinimiserTests
{
    private const string Key = "a key of this test, long enough for it";

    private readonly Minimiser _minimiser = new(Key, Tenant);

    [Fact]
    public void No_field_that_can_hold_a_person_shows_one()
    {
        foreach (var payload in All())
        {
            var shown = _minimiser.Json(payload)!;
            Assert.DoesNotMatch(Gone, shown);
            Assert.DoesNotContain("mine", shown, StringComparison.Ordinal);
            Assert.DoesNotContain("Bia", shown, StringComparison.Ordinal);
            using var json = JsonDocument.Parse(shown);
        }
    }

    [Fact]
    public void One_id_is_one_pseudonym_in_every_spelling_and_another_one_in_another_tenant_or_under_another_key()
    {
        var (phone, lid) = (_minimiser.Address(Phone)!, _minimiser.Address("999000000000003:4@lid")!);
        Assert.Matches("^p-[0-9a-f]{20}@s[.]whatsapp[.]net$", phone);
        Assert.Equal(_minimiser.Address(Lid), lid);
        Assert.Equal(phone, _minimiser.Address("12025550103@c.us"));
        var user = phone.Split('@')[0];
        foreach (var number in new[] { """{"phone":"+1 (202) 555-0103"}""", """{"phone":12025550103}""", """{"number":"12025550103"}""" })
            Assert.Contains(user, _minimiser.Json(number), StringComparison.Ordinal);
        Assert.NotEqual(phone, new Minimiser(Key, "globex").Address(Phone));
        Assert.NotEqual(phone, new Minimiser(Key + "2", Tenant).Address(Phone));
        Assert.NotEqual(_minimiser.Version, new Minimiser(Key + "2", Tenant).Version);
        Assert.Equal(Group, _minimiser.Address(Group));
        Assert.Null(_minimiser.Address(null));
    }

    [Theory]
    [InlineData("""{"type":"notify","messages":[{"key":{"remoteJid":"120363000000000001@g.us","fromMe":false,"id":"3EB0A1B2C3D4E5F60718"},"messageTimestamp":1717243200}]}""")]
    [InlineData("""{"id":"120363000000000001@g.us","action":"add","participants":[],"announce":true,"ephemeralDuration":604800,"size":3,"subjectTime":1717243200}""")]
    [InlineData("""{"messageStubType":"GROUP_PARTICIPANT_ADD","messageTimestamp":{"low":1717243200,"high":0,"unsigned":true},"status":"DELIVERY_ACK"}""")]
    [InlineData("""{"received_at":"2026-06-01T12:00:00.250Z","event_id":"377a14be-0000-5000-8000-000000000001","x":null}""")]
    public void What_happened_is_shown_as_it_was_told(string payload) => Assert.Equal(payload, _minimiser.Json(payload));

    [Theory]
    [InlineData("""{"status":"at the beach","subject":"Sales","desc":"d","conversation":"hello","anything":"new"}""")]
    [InlineData("""{"status":"Busy","deep":{"anything":["new"]},"degreesLatitude":12.5,"amount":12025550103,"chat":12025550103,"lat":1202555}""")]
    public void Texts_and_numbers_that_nobody_has_thought_of_show_nothing(string payload)
    {
        var shown = _minimiser.Json(payload)!;
        foreach (var text in new[] { "beach", "Busy", "Sales", "\"d\"", "hello", "new", "12.5", "12025550103", "1202555" })
            Assert.DoesNotContain(text, shown, StringComparison.Ordinal);
    }

    [Fact]
    public void Tenants_need_a_key_and_none_need_none()
    {
        Assert.Null(new Minimisation([], null).Of(Tenant));
        Assert.Throws<InvalidOperationException>(() => new Minimisation([Tenant], null));
        Assert.Throws<InvalidOperationException>(() => new Minimisation([Tenant], "short"));
        var one = new Minimisation([Tenant, " "], Key);
        Assert.NotNull(one.Of(Tenant));
        Assert.Null(one.Of("globex"));
    }
}
