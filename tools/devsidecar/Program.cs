using WhatsAppMesh.DevSidecar.Hosting;

return await StartFailure.ReportAsync(async () =>
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.AddSidecar(SidecarFlags.Parse(args), SidecarSettings.FromEnvironment());

    var app = builder.Build();
    app.MapSidecar();
    await app.RunAsync();
});
