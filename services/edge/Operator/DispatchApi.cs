using WhatsAppMesh.Edge.Sources;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>What dispatch answers itself: automations, executions, sends. Edge checks the key and forwards.</summary>
internal static class DispatchApi
{
    private static readonly string[] InstancePaths = ["/integrations/whatsapp/instances", "/whatsapp/instances"];

    /// <summary>The routes.</summary>
    public static void Map(IEndpointRouteBuilder api)
    {
        Look(api, "/automations", "page_size", "page_token");
        Act(api, "POST", "/automations");
        Look(api, "/automations/{id}");
        Act(api, "PUT", "/automations/{id}");
        Act(api, "DELETE", "/automations/{id}");
        Look(api, "/executions", "status", "automation", "entity", "instance", "from", "to", "page_size", "page_token");
        Look(api, "/executions/{id}");
        foreach (var action in (string[])["replay", "resolve", "discard"])
            Act(api, "POST", $"/executions/{{id}}/{action}");
        Act(api, "POST", "/triggers/executions/{id}/replay");
        Look(api, "/triggers/stats", "window_days");
        Act(api, "POST", "/executions/replay");
        Look(api, "/dispatch/replays/{id}");
        Act(api, "DELETE", "/dispatch/replays/{id}");
        Act(api, "POST", "/dispatch/replays/{id}/pause");
        Act(api, "POST", "/dispatch/replays/{id}/resume");
        Act(api, "POST", "/dispatch/run");
        Look(api, "/dispatch/runs/{id}");
        Act(api, "DELETE", "/dispatch/runs/{id}");
        foreach (var instances in InstancePaths)
            MapInstances(api, instances);
    }

    private static void MapInstances(IEndpointRouteBuilder api, string instances)
    {
        Look(api, instances);
        Act(api, "POST", instances);
        Look(api, instances + "/{id}/status");
        Look(api, instances + "/{id}/groups");
        Look(api, instances + "/{id}/metrics");

        // Whoever scans the code owns the account that it links.
        Act(api, "GET", instances + "/{id}/qr");
        Act(api, "POST", instances + "/{id}/exists");
        Act(api, "POST", instances + "/{id}/connect");
        Act(api, "POST", instances + "/{id}/messages");
    }

    private static void Look(IEndpointRouteBuilder api, string path, params string[] query) => Map(api, "GET", path, OperatorRole.Viewer, query);

    private static void Act(IEndpointRouteBuilder api, string method, string path) => Map(api, method, path, OperatorRole.Operator, []);

    private static void Map(IEndpointRouteBuilder api, string method, string path, OperatorRole role, string[] query) =>
        api.MapMethods(path, [method], context => context.RequestServices.GetRequiredService<DispatchForwarder>().ForwardAsync(context, "/api" + path))
            .For(new OperatorRoute(role, query));
}
