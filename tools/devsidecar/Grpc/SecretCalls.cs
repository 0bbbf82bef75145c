using Dapr.Client.Autogen.Grpc.v1;
using WhatsAppMesh.DevSidecar.Secrets;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>The secrets API over gRPC.</summary>
internal sealed class SecretCalls(SecretsEngine secrets)
{
    public Task<GetSecretResponse> GetAsync(GetSecretRequest request)
    {
        var answer = new GetSecretResponse();
        foreach (var (name, value) in secrets.Get(request.StoreName, request.Key))
            answer.Data[name] = value;
        return Task.FromResult(answer);
    }

    public Task<GetBulkSecretResponse> GetAllAsync(GetBulkSecretRequest request)
    {
        var answer = new GetBulkSecretResponse();
        foreach (var (name, values) in secrets.GetAll(request.StoreName))
        {
            var secret = new SecretResponse();
            foreach (var (key, value) in values)
                secret.Secrets[key] = value;
            answer.Data[name] = secret;
        }

        return Task.FromResult(answer);
    }
}
