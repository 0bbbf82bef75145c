using System.Text;
using System.Text.Json;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.State;
using Proto = Dapr.Client.Autogen.Grpc.v1;
using StateItem = WhatsAppMesh.DevSidecar.State.StateItem;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>The state API over gRPC.</summary>
internal sealed class StateCalls(StateEngine state)
{
    private static readonly Empty Done = new();

    public async Task<GetStateResponse> GetAsync(GetStateRequest request, ServerCallContext context)
    {
        var answer = new GetStateResponse();
        if (await state.GetAsync(request.StoreName, request.Key, context.CancellationToken) is not { } value)
            return answer;

        answer.Data = UnsafeByteOperations.UnsafeWrap(value.Value);
        answer.Etag = value.ETag;
        if (value.ExpiryText is { } expiry)
            answer.Metadata["ttlExpireTime"] = expiry;
        return answer;
    }

    public async Task<GetBulkStateResponse> GetManyAsync(GetBulkStateRequest request, ServerCallContext context)
    {
        var answer = new GetBulkStateResponse();
        foreach (var (key, value) in await state.GetManyAsync(request.StoreName, request.Keys, context.CancellationToken))
        {
            var item = new BulkStateItem { Key = key };
            if (value is not null)
            {
                item.Data = UnsafeByteOperations.UnsafeWrap(value.Value);
                item.Etag = value.ETag;
                if (value.ExpiryText is { } expiry)
                    item.Metadata["ttlExpireTime"] = expiry;
            }

            answer.Items.Add(item);
        }

        return answer;
    }

    public async Task<Empty> SaveAsync(SaveStateRequest request, ServerCallContext context)
    {
        state.Require(request.StoreName);
        var items = new List<StateItem>(request.States.Count);
        foreach (var item in request.States)
        {
            if (item.Key.Length == 0)
                throw new DaprErrorException(ApiErrors.EmptyStateKey);
            StateEngine.CheckKey(request.StoreName, item.Key);
            items.Add(Read(item, item.Metadata.TryGetValue("contentType", out var type) && type == "application/json"));
        }

        await state.SaveAsync(request.StoreName, items, context.CancellationToken);
        return Done;
    }

    public async Task<Empty> DeleteAsync(DeleteStateRequest request, ServerCallContext context)
    {
        var item = new StateItem(request.Key, [], request.Etag?.Value, Concurrency(request.Options), Consistency(request.Options), request.Metadata);
        await state.DeleteAsync(request.StoreName, item, context.CancellationToken);
        return Done;
    }

    public async Task<Empty> DeleteManyAsync(DeleteBulkStateRequest request, ServerCallContext context)
    {
        await state.DeleteManyAsync(request.StoreName, [.. request.States.Select(item => Read(item, isJson: false))], context.CancellationToken);
        return Done;
    }

    public async Task<Empty> TransactAsync(ExecuteStateTransactionRequest request, ServerCallContext context)
    {
        state.Require(request.StoreName);
        var operations = new List<StateOperation>(request.Operations.Count);
        foreach (var operation in request.Operations)
        {
            var item = operation.Request ?? new Proto.StateItem();
            StateEngine.CheckKey(request.StoreName, item.Key);
            operations.Add(operation.OperationType switch
            {
                // Here a value is stored as it is, whatever its content type.
                "upsert" => new StateOperation(Delete: false, Read(item, isJson: false)),
                "delete" => new StateOperation(Delete: true, Read(item, isJson: false)),
                var other => throw new DaprErrorException(ApiErrors.UnsupportedStateOperation(other)),
            });
        }

        await state.TransactAsync(request.StoreName, operations, context.CancellationToken);
        return Done;
    }

    public Task<QueryStateResponse> QueryAsync(QueryStateRequest request) =>
        throw new DaprErrorException(state.Query(request.StoreName, Encoding.UTF8.GetBytes(request.Query)));

    private static StateItem Read(Proto.StateItem item, bool isJson) => new(
        item.Key, isJson ? Encode(item.Value.Memory) : item.Value.ToByteArray(), item.Etag?.Value, Concurrency(item.Options), Consistency(item.Options), item.Metadata);

    /// <summary>The value as Go writes it after reading it; what is no JSON is refused in the words of Go's parser, outside the table of errors.</summary>
    private static byte[] Encode(ReadOnlyMemory<byte> json)
    {
        if (GoJsonSyntax.Check(json.Span) is { } problem)
            throw new DaprErrorException(ApiErrors.NoJson(problem));

        try
        {
            using var document = StateJson.Parse(json);
            return StateJson.Encode(document.RootElement);
        }
        catch (JsonException e)
        {
            throw new DaprErrorException(ApiErrors.NoJson(e.Message));
        }
    }

    private static string? Concurrency(StateOptions? options) => options?.Concurrency switch
    {
        StateOptions.Types.StateConcurrency.ConcurrencyFirstWrite => "first-write",
        StateOptions.Types.StateConcurrency.ConcurrencyLastWrite => "last-write",
        _ => null,
    };

    private static string? Consistency(StateOptions? options) => options?.Consistency switch
    {
        StateOptions.Types.StateConsistency.ConsistencyEventual => "eventual",
        StateOptions.Types.StateConsistency.ConsistencyStrong => "strong",
        _ => null,
    };
}
