using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership;

var builder = WebApplication.CreateBuilder(args);
builder.AddMeshHosting("membership");
builder.AddMembership();

var app = builder.Build();
app.MapMeshEndpoints();
app.MapMembership();
return await app.RunServiceAsync(args);
