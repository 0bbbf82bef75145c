using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Mesh.Operating;

/// <summary>Makes keys of the operator API. The key is shown once; configuration holds its hash.</summary>
public static class OperatorKeys
{
    private const string Prefix = "mesh_";
    private const int Bytes = 32;

    /// <summary>A new key: 256 random bits, with a prefix by which scanners for leaked secrets know it.</summary>
    public static string New() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>What configuration holds of a key.</summary>
    public static string HashOf(string key) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}
