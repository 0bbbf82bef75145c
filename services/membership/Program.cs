using WhatsAppMesh.Membership;

var builder = WebApplication.CreateBuilder(args);
builder.AddMembership();

var app = builder.Build();
app.MapMembership();
await app.RunAsync();
