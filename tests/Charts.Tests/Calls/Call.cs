namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>A call from one service to another, through the sidecars of both.</summary>
/// <param name="Caller">App id of who calls.</param>
/// <param name="Callee">App id of who is called.</param>
/// <param name="Verb">HTTP verb; null = a gRPC method.</param>
/// <param name="Path">The method's full name, or the path at the callee; <c>{name}</c> stands for a segment.</param>
internal sealed record Call(string Caller, string Callee, string? Verb, string Path)
{
    /// <summary>The path as a request could have it.</summary>
    public string Sample => SampleOf(Path);

    /// <summary>A path with something in place of what varies; capitals too, since they matter to no route.</summary>
    public static string SampleOf(string pattern) => "/" + string.Join('/', pattern.Trim('/').Split('/').Select(static segment => segment.StartsWith('{') ? "Some-1" : segment));

    public override string ToString() => $"{Caller} -> {Callee} {Verb ?? "gRPC"} {Path}";
}

/// <summary>Something that a service answers, whoever may ask.</summary>
/// <param name="Callee">App id of the service.</param>
/// <param name="Verb">HTTP verb; null = a gRPC method.</param>
/// <param name="Path">As of <see cref="Call"/>.</param>
internal sealed record Answered(string Callee, string? Verb, string Path)
{
    /// <summary>The path as a request could have it.</summary>
    public string Sample => Call.SampleOf(Path);

    /// <summary>A call asks for this.</summary>
    public bool IsAskedBy(Call call) =>
        call.Callee == Callee && call.Verb == Verb && (Verb is null ? call.Path == Path : string.Equals(call.Sample, Sample, StringComparison.OrdinalIgnoreCase));
}
