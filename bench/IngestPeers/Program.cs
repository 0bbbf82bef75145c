using WhatsAppMesh.IngestPeers;

var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.AddPeer();
var app = builder.Build();
await app.RunPeerAsync();
