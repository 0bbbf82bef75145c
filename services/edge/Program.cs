using WhatsAppMesh.Edge;
using WhatsAppMesh.Hosting;

var builder = WebApplication.CreateBuilder(args);
builder.AddEdge();

var app = builder.Build();
app.MapEdge();
return await app.RunServiceAsync(args);
