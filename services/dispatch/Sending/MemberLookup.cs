using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Events;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What membership knows of a person.</summary>
/// <param name="Phone">Digits of the phone number; null when none is known.</param>
/// <param name="Name">The name they chose; null when none is known.</param>
internal sealed record KnownMember(string? Phone, string? Name);

/// <summary>Asks membership, through the sidecar, at the moment a job runs: numbers change, and a job may have waited for weeks.</summary>
internal sealed class MemberLookup : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly Membership.V1.Membership.MembershipClient _client;
    private readonly Metadata _headers;
    private readonly TimeProvider _time;

    public MemberLookup(SidecarSettings sidecar, SendingOptions options, TimeProvider time)
    {
        _time = time;
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint);
        _client = new(_channel);
        _headers = new Metadata { { "dapr-app-id", options.MembershipAppId } };
        if (sidecar.ApiToken is { } token)
            _headers.Add(SidecarSettings.TokenHeader, token);
    }

    /// <summary>A person by their JID; null when nobody is known by it.</summary>
    /// <exception cref="RpcException">Membership cannot be asked now.</exception>
    public async Task<KnownMember?> FindAsync(string tenant, string jid, CancellationToken cancellationToken)
    {
        try
        {
            using var call = _client.GetParticipantAsync(new GetParticipantRequest { Tenant = tenant, Jid = jid }, Options(cancellationToken));
            var person = (await call).Participant;
            return new KnownMember(PhoneOf(person.PhoneJid), person.PushName.Length > 0 ? person.PushName : null);
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument)
        {
            return null;
        }
    }

    /// <summary>A group's subject; null when the group is not known.</summary>
    /// <exception cref="RpcException">Membership cannot be asked now.</exception>
    public async Task<string?> SubjectAsync(string tenant, string group, CancellationToken cancellationToken)
    {
        try
        {
            using var call = _client.GetGroupAsync(new GetGroupRequest { Tenant = tenant, GroupJid = group }, Options(cancellationToken));
            return (await call).Group.Subject;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument)
        {
            return null;
        }
    }

    /// <summary>The number of a phone's JID; null for anything else.</summary>
    public static string? PhoneOf(string? jid) => Jid.Parse(jid) is { IsPhone: true } phone ? phone.User.ToString() : null;

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private CallOptions Options(CancellationToken cancellationToken) => new(_headers, _time.GetUtcNow().UtcDateTime + Deadline, cancellationToken);
}
