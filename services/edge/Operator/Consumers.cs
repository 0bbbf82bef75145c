using Grpc.Core;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The services that have dead letters: which one a request means, and where a thing is whose service it does not name.</summary>
internal sealed class Consumers(ServiceCalls services)
{
    private const char TokenMark = '.';

    /// <summary>Dead letters of one of them.</summary>
    public DeadLetters.V1.DeadLetters.DeadLettersClient DeadLettersOf(string service) => services.DeadLettersOf(service);

    /// <summary>The service of this name.</summary>
    /// <exception cref="OperatorRefusal">400: there is none.</exception>
    public string Named(string field, string? name) => services.Consumers.Contains(name)
        ? name!
        : throw OperatorRefusal.Invalid(field, $"must be one of {string.Join(", ", services.Consumers)}");

    /// <summary>Asks the named service, or all of them, for something whose id only one can know.</summary>
    /// <param name="service">The service; empty asks all.</param>
    /// <param name="what">What is looked for, for the answer that there is none.</param>
    /// <param name="ask">Asks one service; NOT_FOUND: it is not there.</param>
    /// <exception cref="OperatorRefusal">404: nobody has it.</exception>
    /// <exception cref="RpcException">A service could not be asked, and no other has it.</exception>
    public async Task<(string Service, T Found)> FindAsync<T>(string service, string what, Func<string, Task<T>> ask)
    {
        RpcException? failure = null;
        foreach (var candidate in service.Length > 0 ? [Named("service", service)] : services.Consumers)
        {
            try
            {
                return (candidate, await ask(candidate));
            }
            catch (RpcException exception) when (exception.StatusCode is not (StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.Cancelled))
            {
                if (exception.StatusCode == StatusCode.NotFound)
                    continue;
                services.Missed(candidate, exception);
                failure ??= exception;
            }
        }

        throw failure ?? (Exception)OperatorRefusal.NotFound($"There is no such {what}.");
    }

    /// <summary>A page token that says whose it is: services make alike ones.</summary>
    public static string? SealToken(string service, string token) => token.Length == 0 ? null : $"{service}{TokenMark}{token}";

    /// <summary>The service's own token.</summary>
    /// <exception cref="OperatorRefusal">400: it is another service's.</exception>
    public static string OpenToken(string service, string token)
    {
        if (token.Length == 0)
            return "";
        return token.StartsWith(service + TokenMark, StringComparison.Ordinal)
            ? token[(service.Length + 1)..]
            : throw OperatorRefusal.Invalid("page_token", "was not made for this request; ask for the first page");
    }
}
