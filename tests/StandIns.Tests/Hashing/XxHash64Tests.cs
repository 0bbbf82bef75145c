using System.IO.Hashing;
using System.Text;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class XxHash64Tests
{
    private const long Seed = 2654435761;

    /// <summary>Published values for the usual texts of message digests (RFC 1321, A.5), seed 0.</summary>
    [Theory]
    [InlineData("", 0xEF46DB3751D8E999)]
    [InlineData("a", 0xD24EC4F1A98C6E5B)]
    [InlineData("abc", 0x44BC2CF5AD770999)]
    [InlineData("message digest", 0x066ED728FCEEB3BE)]
    [InlineData("abcdefghijklmnopqrstuvwxyz", 0xCFE1F278FA89835C)]
    [InlineData("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 0xAAA46907D3047814)]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345678901234567890", 0xE04A477F19EE145D)]
    public void Text_has_its_published_hash(string text, ulong expected)
    {
        Assert.Equal(expected, XxHash64.HashToUInt64(Encoding.ASCII.GetBytes(text)));
    }

    /// <summary>Values of the reference implementation's own sanity check, over its pseudo-random buffer.</summary>
    [Theory]
    [InlineData(0, 0, 0xEF46DB3751D8E999)]
    [InlineData(0, Seed, 0xAC75FDA2929B17EF)]
    [InlineData(1, 0, 0xE934A84ADB052768)]
    [InlineData(1, Seed, 0x5014607643A9B4C3)]
    [InlineData(4, 0, 0x9136A0DCA57457EE)]
    [InlineData(14, 0, 0x8282DCC4994E35C8)]
    [InlineData(14, Seed, 0xC3BD6BF63DEB6DF0)]
    [InlineData(222, 0, 0xB641AE8CB691C174)]
    [InlineData(222, Seed, 0x20CB8AB7AE10C14A)]
    public void Buffer_has_the_hash_of_the_reference_implementation(int length, long seed, ulong expected)
    {
        Assert.Equal(expected, XxHash64.HashToUInt64(SanityBuffer(length), seed));
    }

    [Fact]
    public void Pieces_hash_as_the_whole_wherever_they_are_cut()
    {
        var data = SanityBuffer(200);
        for (var cut = 0; cut <= data.Length; cut++)
        {
            var hash = new XxHash64(Seed);
            hash.Append(data.AsSpan(0, cut));
            hash.Append(data.AsSpan(cut));
            Assert.Equal(XxHash64.HashToUInt64(data, Seed), hash.GetCurrentHashAsUInt64());
        }
    }

    [Fact]
    public void Stream_hashes_as_its_bytes()
    {
        var data = SanityBuffer(10_000);
        var hash = new XxHash64();
        hash.Append(new MemoryStream(data));
        Assert.Equal(XxHash64.Hash(data), hash.GetHashAndReset());
        Assert.Equal(XxHash64.HashToUInt64([]), hash.GetCurrentHashAsUInt64());
    }

    [Fact]
    public void Bytes_of_a_hash_are_big_endian()
    {
        byte[] expected = [0xEF, 0x46, 0xDB, 0x37, 0x51, 0xD8, 0xE9, 0x99];
        Assert.Equal(expected, XxHash64.Hash([]));
        Assert.Equal(expected, new XxHash64().GetCurrentHash());
        Assert.Equal(8, new XxHash64().HashLengthInBytes);
    }

    [Fact]
    public void Destination_that_is_too_short_is_refused()
    {
        Assert.False(XxHash64.TryHash([], new byte[7], out var written));
        Assert.Equal(0, written);
        Assert.Throws<ArgumentException>(() => XxHash64.Hash([], new byte[7]));
        Assert.Throws<ArgumentException>(() => new XxHash64().GetCurrentHash(new byte[7]));
        Assert.True(XxHash64.TryHash([], new byte[9], out written));
        Assert.Equal(8, written);
    }

    private static byte[] SanityBuffer(int length)
    {
        const ulong Multiplier = 11400714785074694797;
        var buffer = new byte[length];
        var state = (ulong)Seed;
        for (var i = 0; i < length; i++)
        {
            buffer[i] = (byte)(state >> 56);
            state = unchecked(state * Multiplier);
        }
        return buffer;
    }
}
