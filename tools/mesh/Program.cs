using WhatsAppMesh.Mesh.Commands;

return await MeshCommands.RunAsync(args);
