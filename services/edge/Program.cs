using WhatsAppMesh.Edge;
using WhatsAppMesh.Hosting;

return await ServiceProgram.RunAsync(args, static builder => builder.AddEdge(), static app => app.MapEdge());
