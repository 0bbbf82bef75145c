using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshHosting("ingest");
builder.AddIngest();

var app = builder.Build();
app.MapMeshEndpoints();
app.MapIngest();
return await app.RunServiceAsync(args);
