using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>A group's fields: stated by snapshots, set and unset by changes. Minutes are minutes after noon.</summary>
public sealed class GroupProfileTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<FieldChange> _changes = [];
    private readonly List<FieldValue> _stated = [];
    private long _position;

    private GroupProfileTests Told(string? value, double? at, double received, string source = "default", GroupField field = GroupField.Announce)
    {
        var order = at is { } minute ? Noon.AddMinutes(minute) : Noon.AddMinutes(received) - Untimed.Offset;
        _changes.Add(new FieldChange(field, value, new FactKey(order, 1, ++_position, 0), at is null, Noon.AddMinutes(received), source));
        return this;
    }

    private GroupProfileTests Stated(string? value, double received, GroupField field = GroupField.Announce)
    {
        _stated.Add(new FieldValue(field, value, new FieldVersion(Noon.AddMinutes(received) - Untimed.Offset, 1, ++_position)));
        return this;
    }

    /// <summary>The value, which is the same in whatever order it was told.</summary>
    private string? Value(GroupField field = GroupField.Announce)
    {
        var values = new HashSet<string?>();
        for (var seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            var profile = new GroupProfile();
            foreach (var change in _changes.OrderBy(_ => random.Next()))
                Assert.True(profile.Add(change));
            foreach (var value in _stated.OrderBy(_ => random.Next()))
                profile.Merge(value);
            Assert.False(_changes.Count > 0 && profile.Add(_changes[0]));
            values.Add(profile[field]);
        }
        return Assert.Single(values);
    }

    [Fact]
    public void Late_untimed_twins_leave_a_field_as_the_timed_tellings_left_it()
    {
        Told("true", 0, 30).Told("false", 5, 30).Told("false", null, 30.1).Told("true", null, 30.2);
        Assert.Equal("false", Value());
    }

    [Fact]
    public void Field_set_from_one_value_to_another_and_back_has_the_last()
    {
        Told("One", null, 0, field: GroupField.Subject).Told("Two", null, 20, field: GroupField.Subject).Told("One", null, 40, field: GroupField.Subject);
        Assert.Equal("One", Value(GroupField.Subject));
    }

    [Fact]
    public void Untimed_change_without_a_twin_is_ordered_before_its_reception()
    {
        Told("true", 0, 0).Told("false", null, 14);
        Assert.Equal("true", Value());
        Told("false", null, 16);
        Assert.Equal("false", Value());
    }

    [Fact]
    public void Twin_has_the_same_value()
    {
        Told("true", 0, 30).Told("false", null, 30.1);
        Assert.Equal("false", Value());
    }

    [Fact]
    public void Field_may_be_unset_by_a_change_and_by_a_statement()
    {
        Stated("Rules", 0, GroupField.Description).Told(null, 20, 20, field: GroupField.Description);
        Assert.Null(Value(GroupField.Description));
        Stated("Rules v2", 60, GroupField.Description);
        Assert.Equal("Rules v2", Value(GroupField.Description));
        Stated(null, 90, GroupField.Description);
        Assert.Null(Value(GroupField.Description));
    }
}
