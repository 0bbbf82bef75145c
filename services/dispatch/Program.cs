using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Hosting;

return await ServiceProgram.RunAsync(
    args,
    static builder => builder.AddMeshHosting("dispatch").AddDispatch(),
    static app =>
    {
        app.MapMeshEndpoints();
        app.MapDispatch();
    });
