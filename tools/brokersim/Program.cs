using WhatsAppMesh.BrokerSim;

if (BrokerSimOptions.Parse(args, out var problem) is not { } options)
{
    Console.Error.WriteLine(problem);
    return 2;
}

await using var broker = await BrokerSimulator.StartAsync(options);
Console.WriteLine($"brokersim listens at {broker.Address}");
await broker.WaitForShutdownAsync();
return 0;
