using FsCheck;
using FsCheck.Fluent;

namespace WhatsAppMesh.Events.Tests;

public class JidTests
{
    [Theory]
    [InlineData("12025550103@s.whatsapp.net", "12025550103@s.whatsapp.net")]
    [InlineData("12025550103:12@s.whatsapp.net", "12025550103@s.whatsapp.net")]
    [InlineData("12025550103_1:12@s.whatsapp.net", "12025550103@s.whatsapp.net")]
    [InlineData("12025550103@c.us", "12025550103@s.whatsapp.net")]
    [InlineData("12025550103@hosted", "12025550103@s.whatsapp.net")]
    [InlineData("999000000000003:7@hosted.lid", "999000000000003@lid")]
    [InlineData("999000000000003@LID", "999000000000003@lid")]
    [InlineData("12025550103@C.US", "12025550103@s.whatsapp.net")]
    [InlineData("  120363000000000001@g.us\n", "120363000000000001@g.us")]
    [InlineData("12025550101-1400000000@g.us", "12025550101-1400000000@g.us")]
    [InlineData("12025550103.0:12@s.whatsapp.net", "12025550103@s.whatsapp.net")]
    [InlineData("999000000000003.1:2@lid", "999000000000003@lid")]
    [InlineData("12025550103:99@hosted", "12025550103@s.whatsapp.net")]
    [InlineData("867051314767696@bot", "867051314767696@bot")]
    [InlineData("erased-601f0c75d00794c3@lid", "erased-601f0c75d00794c3@lid")]
    [InlineData("status@broadcast", "status@broadcast")]
    [InlineData("120363@newsletter", "120363@newsletter")]
    public void An_address_has_one_normal_form(string sent, string normal) => Assert.Equal(normal, Jid.Normalise(sent));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("12025550103")]
    [InlineData("@s.whatsapp.net")]
    [InlineData("12025550103@")]
    [InlineData(":12@s.whatsapp.net")]
    [InlineData("a@b@c")]
    [InlineData("12 02@s.whatsapp.net")]
    [InlineData("1202\u0000@s.whatsapp.net")]
    [InlineData("1202\n@s.whatsapp.net")]
    [InlineData("[object Object]")]
    [InlineData("server@c.us")]
    [InlineData("abc@lid")]
    [InlineData("+12025550103@s.whatsapp.net")]
    [InlineData("12025550101-1400000000@c.us")]
    [InlineData("١٢@lid")]
    public void Garbage_is_no_address(string? sent) => Assert.True(Jid.Parse(sent).IsEmpty);

    [Fact]
    public void An_address_longer_than_a_column_holds_is_no_address() =>
        Assert.True(Jid.Parse(new string('1', 255) + "@lid").IsEmpty);

    [Fact]
    public void Kinds_follow_the_server()
    {
        Assert.True(Jid.Parse("1@g.us").IsGroup);
        Assert.True(Jid.Parse("1@lid").IsLid);
        Assert.True(Jid.Parse("1@c.us").IsPhone);
        Assert.False(Jid.Empty.IsGroup || Jid.Empty.IsLid || Jid.Empty.IsPhone);
        Assert.Equal("12", Jid.Parse("12:3@lid").User.ToString());
        Assert.Equal("", Jid.Empty.User.ToString());
        Assert.Equal(Jid.Parse("1@c.us"), Jid.Parse("1:2@s.whatsapp.net"));
        Assert.Equal(Jid.Empty, Jid.Parse("garbage"));
    }

    [Theory]
    [InlineData("12025550103@s.whatsapp.net", true)]
    [InlineData("12025550103:3@hosted", true)]
    [InlineData("999000000000003@lid", true)]
    [InlineData("erased-601f0c75d00794c3@s.whatsapp.net", true)]
    [InlineData("13135550002@c.us", false)]
    [InlineData("13135550002@s.whatsapp.net", false)]
    [InlineData("13165550042@s.whatsapp.net", false)]
    [InlineData("131655501000@s.whatsapp.net", true)]
    [InlineData("867051314767696@bot", false)]
    [InlineData("0@c.us", false)]
    [InlineData("0@s.whatsapp.net", false)]
    [InlineData("server@c.us", false)]
    [InlineData("status@broadcast", false)]
    [InlineData("120363@newsletter", false)]
    [InlineData("12025550101-1400000000@g.us", false)]
    public void Bots_and_WhatsApp_itself_are_no_people(string sent, bool isPerson) => Assert.Equal(isPerson, Jid.Parse(sent).IsPerson);

    [Fact]
    public void Normalising_twice_changes_nothing_and_never_throws() => Check.QuickThrowOnFailure(Prop.ForAll<string?>(text =>
    {
        var once = Jid.Normalise(text);
        return once == Jid.Normalise(once);
    }));
}
