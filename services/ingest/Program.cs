using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest;

return await ServiceProgram.RunAsync(
    args,
    static builder => builder.AddMeshHosting("ingest").AddIngest(),
    static app =>
    {
        app.MapMeshEndpoints();
        app.MapIngest();
    });
