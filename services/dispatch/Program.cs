using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshHosting("dispatch");
builder.AddDispatch();

var app = builder.Build();
app.MapMeshEndpoints();
app.MapDispatch();
return await app.RunServiceAsync(args);
