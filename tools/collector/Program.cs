using WhatsAppMesh.Collector;

return await SendCommand.Create().Parse(args).InvokeAsync();
