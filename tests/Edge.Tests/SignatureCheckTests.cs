using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;
using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>The decision itself, without a wire: bytes in, a verdict out.</summary>
public sealed class SignatureCheckTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(56);

    private static readonly byte[] Body = Encoding.UTF8.GetBytes(Signing.Body);

    private static readonly string Right = Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}");

    private static readonly KeyRing Keys = Ring(Signing.Secret);

    [Fact]
    public void Every_changed_bit_of_signature_and_body_is_noticed()
    {
        Assert.Equal(SignatureVerdict.Accepted, Check(Right, Signing.EventId, Body));
        for (var bit = 0; bit < 256; bit++)
        {
            var digest = Convert.FromHexString(Right);
            digest[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(SignatureVerdict.WrongSignature, Check(Convert.ToHexString(digest), Signing.EventId, Body));
        }

        for (var i = 0; i < Body.Length; i++)
        {
            var changed = Body.ToArray();
            changed[i] ^= 1;
            Assert.Equal(SignatureVerdict.WrongSignature, Check(Right, Signing.EventId, changed));
        }
    }

    [Fact]
    public void Point_between_id_and_body_cannot_be_moved()
    {
        var moved = Encoding.UTF8.GetBytes(Signing.Body[1..]);
        Assert.Equal(SignatureVerdict.WrongSignature, Check(Right, Signing.EventId + "." + Signing.Body[0], moved));
        Assert.Equal(SignatureVerdict.WrongSignature, Check(Right, Signing.EventId[..^1], Body));
    }

    [Fact]
    public void Empty_ring_matches_nothing()
    {
        Assert.False(KeyRing.Empty.HasLive(Now));
        Assert.False(KeyRing.Empty.Matches(Now, [], Body, new byte[32], 32));
        Assert.False(Keys.Matches(Now, [], Body, [], 32));
    }

    [Fact]
    public void One_key_serves_many_threads_at_once()
    {
        var headers = Headers(Right, Signing.EventId);
        Parallel.For(0, 2000, i =>
        {
            var verdict = i % 2 == 0 ? Check(headers, Body) : Check(headers, Body.AsSpan(1));
            Assert.Equal(i % 2 == 0 ? SignatureVerdict.Accepted : SignatureVerdict.WrongSignature, verdict);
        });
    }

    [Fact]
    public void Right_signature_is_found_without_allocating()
    {
        var headers = Headers(Right, Signing.EventId);
        for (var i = 0; i < 100; i++)
            Check(headers, Body);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            Check(headers, Body);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    private static SignatureVerdict Check(string signature, string id, ReadOnlySpan<byte> body) => Check(Headers(signature, id), body);

    private static SignatureVerdict Check(HeaderDictionary headers, ReadOnlySpan<byte> body) =>
        SignatureCheck.Collector(headers, body, Keys, KeyRing.Empty, CollectorSchemes.IdAndBody, Now, out _);

    private static HeaderDictionary Headers(string signature, string id) => new() { ["X-Signature"] = signature, ["X-Event-Id"] = id };

    private static KeyRing Ring(string secret) => new([new SigningKey("first", Encoding.UTF8.GetBytes(secret), HashAlgorithmName.SHA256)]);
}
