namespace WhatsAppMesh.Dispatch.Operator;

/// <summary>Who asks, as edge says: it has verified the API key, and only this service's sidecar can pass its word on.</summary>
/// <param name="Tenant">Whose data it is about.</param>
/// <param name="IsOperator">False for a viewer, who changes nothing and sees no messages.</param>
/// <param name="Key">Name of the API key, for the audit trail.</param>
internal sealed record Caller(string Tenant, bool IsOperator, string Key)
{
    /// <summary>Reads the headers that edge sets.</summary>
    /// <exception cref="ApiRefusal">No tenant: the request did not come through edge.</exception>
    public static Caller Of(HttpContext context)
    {
        var headers = context.Request.Headers;
        return headers["mesh-tenant"] is [{ Length: > 0 } tenant]
            ? new Caller(tenant, headers["mesh-role"] is ["operator"], headers["mesh-key"] is [{ Length: > 0 } key] ? key : "unnamed")
            : throw new ApiRefusal(StatusCodes.Status403Forbidden, "forbidden", "The request names no tenant: the operator API is reached through edge.");
    }
}
