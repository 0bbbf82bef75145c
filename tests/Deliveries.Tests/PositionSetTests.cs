namespace WhatsAppMesh.Deliveries.Tests;

public sealed class PositionSetTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData("{[1,6)}", "{[1,6)}")]
    [InlineData("{[1,6),[8,9)}", "{[1,6),[8,9)}")]
    [InlineData(" {[8,9),[1,6),[6,8)} ", "{[1,9)}")]
    [InlineData("{[-3,0)}", "{[-3,0)}")]
    public void Text_is_that_of_a_multirange(string text, string canonical) => Assert.Equal(canonical, PositionSet.Parse(text).ToString());

    [Theory]
    [InlineData("")]
    [InlineData("[1,2)")]
    [InlineData("{[1,2]}")]
    [InlineData("{[1,)}")]
    [InlineData("{(,5)}")]
    [InlineData("{1}")]
    public void Text_that_is_no_bounded_multirange_is_refused(string text) => Assert.Throws<FormatException>(() => PositionSet.Parse(text));

    [Fact]
    public void Spans_that_touch_become_one() => Assert.Equal("{[1,7)}", PositionSet.Of([5, 1, 3, 2, 6, 4, 4]).ToString());

    [Theory]
    [InlineData("{[1,10)}", "{[3,5)}", "{[1,3),[5,10)}")]
    [InlineData("{[1,10)}", "{[0,20)}", "{}")]
    [InlineData("{[1,3),[5,7),[9,12)}", "{[2,10)}", "{[1,2),[10,12)}")]
    [InlineData("{[1,3)}", "{[3,5)}", "{[1,3)}")]
    [InlineData("{[1,10)}", "{[1,2),[4,5),[9,10)}", "{[2,4),[5,9)}")]
    public void Subtracting_leaves_what_the_other_lacks(string left, string right, string rest) =>
        Assert.Equal(rest, PositionSet.Parse(left).Subtract(PositionSet.Parse(right)).ToString());

    [Fact]
    public void A_span_to_the_end_of_all_numbers_is_cut_like_any_other()
    {
        var toTheEnd = PositionSet.Range(7, long.MaxValue);
        Assert.Equal("{[7,21)}", toTheEnd.Intersect(PositionSet.Range(1, 20)).ToString());
        Assert.Equal("{[1,7)}", PositionSet.Range(1, 20).Subtract(toTheEnd).ToString());
    }

    [Fact]
    public void Missing_is_what_lies_between_the_oldest_and_the_head_and_is_not_done() =>
        Assert.Equal("{[3,5),[9,11)}", PositionSet.Parse("{[1,3),[5,9)}").MissingBelow(head: 10).ToString());

    [Fact]
    public void Missing_below_the_oldest_kept_is_not_missing() =>
        Assert.Equal("{[9,11)}", PositionSet.Parse("{[5,9)}").MissingBelow(head: 10, oldest: 5).ToString());

    [Fact]
    public void Taking_stops_inside_a_span() => Assert.Equal("{[1,3),[5,7)}", PositionSet.Parse("{[1,3),[5,100)}").Take(4).ToString());

    [Fact]
    public void Operations_agree_with_plain_sets()
    {
        var random = new Random(20);
        for (var round = 0; round < 500; round++)
        {
            var left = Enumerable.Range(0, random.Next(20)).Select(_ => random.NextInt64(1, 30)).ToHashSet();
            var right = Enumerable.Range(0, random.Next(20)).Select(_ => random.NextInt64(1, 30)).ToHashSet();
            var (a, b) = (PositionSet.Of(left), PositionSet.Of(right));

            Assert.Equal(PositionSet.Of(left.Union(right)), a.Union(b));
            Assert.Equal(PositionSet.Of(left.Except(right)), a.Subtract(b));
            Assert.Equal(PositionSet.Of(left.Intersect(right)), a.Intersect(b));
            Assert.Equal(left.Count, a.Count);
            Assert.Equal(a, PositionSet.Parse(a.ToString()));
            Assert.All(Enumerable.Range(0, 32), position => Assert.Equal(left.Contains(position), a.Contains(position)));
        }
    }
}
