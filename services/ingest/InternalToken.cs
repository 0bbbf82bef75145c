using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>The secret that edge and ingest share (setting <c>Mesh:InternalToken</c>): proof that tenant and source were verified.</summary>
internal sealed class InternalToken(string value)
{
    /// <summary>Configuration key.</summary>
    public const string Key = "Mesh:InternalToken";

    /// <summary>Header that carries it.</summary>
    public const string Header = "X-Mesh-Token";

    private readonly byte[] _value = Encoding.UTF8.GetBytes(value);

    /// <summary>True when a request carries the token, exactly once. Takes the same time for every wrong one of the right length.</summary>
    public bool IsIn(HttpRequest request)
    {
        var sent = request.Headers[Header];
        if (sent.Count != 1 || Encoding.UTF8.GetByteCount(sent[0]!) != _value.Length)
            return false;
        var bytes = _value.Length <= 256 ? stackalloc byte[_value.Length] : new byte[_value.Length];
        Encoding.UTF8.GetBytes(sent[0], bytes);
        return CryptographicOperations.FixedTimeEquals(bytes, _value);
    }
}

/// <summary>Guards endpoints that only edge may call.</summary>
internal static class InternalTokenConventions
{
    /// <summary>Refuses requests without the internal token with 401, before anything of them is read.</summary>
    public static TBuilder RequireInternalToken<TBuilder>(this TBuilder builder, InternalToken token) where TBuilder : IEndpointConventionBuilder
    {
        builder.Add(endpoint =>
        {
            var inner = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => token.IsIn(context.Request)
                ? inner(context)
                : ProblemAnswers.WriteAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "The request does not come from edge");
        });
        return builder;
    }
}
