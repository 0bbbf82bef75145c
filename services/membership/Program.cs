using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership;

return await ServiceProgram.RunAsync(
    args,
    static builder => builder.AddMeshHosting("membership").AddMembership(),
    static app =>
    {
        app.MapMeshEndpoints();
        app.MapMembership();
    });
