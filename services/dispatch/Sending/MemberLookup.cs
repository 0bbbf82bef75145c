using Grpc.Core;
using WhatsAppMesh.Events;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What membership knows of a person.</summary>
/// <param name="Phone">Digits of the phone number; null when none is known.</param>
/// <param name="Name">The name they chose; null when none is known.</param>
internal sealed record KnownMember(string? Phone, string? Name);

/// <summary>Asks membership, through the sidecar, at the moment a job runs: numbers change, and a job may have waited for weeks.</summary>
internal sealed class MemberLookup(Membership.V1.Membership.MembershipClient membership, DependencyStates dependencies)
{
    private readonly DependencyState _state = dependencies.Of("membership", "Membership cannot be asked for people and groups, so what needs their numbers or names waits");

    /// <summary>Longest wait for membership's answer.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(5);

    /// <summary>A person by their JID; null when nobody is known by it.</summary>
    /// <exception cref="RpcException">Membership cannot be asked now.</exception>
    public async Task<KnownMember?> FindAsync(string tenant, string jid, CancellationToken cancellationToken)
    {
        var found = await AskAsync(() => membership.GetParticipantAsync(new GetParticipantRequest { Tenant = tenant, Jid = jid }, cancellationToken: cancellationToken));
        return found?.Participant is { } person ? new KnownMember(PhoneOf(person.PhoneJid), person.PushName.Length > 0 ? person.PushName : null) : null;
    }

    /// <summary>A group's subject; null when the group is not known.</summary>
    /// <exception cref="RpcException">Membership cannot be asked now.</exception>
    public async Task<string?> SubjectAsync(string tenant, string group, CancellationToken cancellationToken)
    {
        var found = await AskAsync(() => membership.GetGroupAsync(new GetGroupRequest { Tenant = tenant, GroupJid = group }, cancellationToken: cancellationToken));
        return found?.Group.Subject;
    }

    /// <summary>The number of a phone's JID; null for anything else.</summary>
    public static string? PhoneOf(string? jid) => Jid.Parse(jid) is { IsPhone: true } phone ? phone.User.ToString() : null;

    // Whom nobody knows is an answer; a name that membership does not take is one too, but somebody should look at it.
    private async Task<T?> AskAsync<T>(Func<AsyncUnaryCall<T>> ask) where T : class
    {
        try
        {
            using var call = ask();
            var answer = await call;
            _state.Works();
            return answer;
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.InvalidArgument)
        {
            if (e.StatusCode == StatusCode.InvalidArgument)
                _state.Count(e);
            _state.Works();
            return null;
        }
        catch (RpcException e) when (e.StatusCode is not StatusCode.Cancelled)
        {
            _state.Fails(e);
            throw;
        }
    }
}
