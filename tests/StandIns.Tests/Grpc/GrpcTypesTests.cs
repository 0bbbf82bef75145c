using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;
using System.Text;
using Grpc.Core;
using WhatsAppMesh.StandIns.Tests.V1;
using MetadataReader = System.Reflection.Metadata.MetadataReader;

namespace WhatsAppMesh.StandIns.Tests;

public sealed class GrpcTypesTests
{
    /// <summary>The assemblies that were compiled against the official packages.</summary>
    public static TheoryData<string> Callers =>
        ["Grpc.Net.Client", "Grpc.AspNetCore.Server", "Yarp.ReverseProxy"];

    [Theory]
    [MemberData(nameof(Callers))]
    public void Every_member_that_an_official_assembly_calls_exists(string name)
    {
        var assembly = Assembly.Load(name);
        using var file = new PEReader(File.OpenRead(assembly.Location));
        var reader = file.GetMetadataReader();
        // Stands for whatever type parameters are in scope where a member is called.
        var any = Enumerable.Repeat(typeof(object), 8).ToArray();
        var members = reader.MemberReferences.Where(handle => IsOfStandIn(reader, reader.GetMemberReference(handle).Parent)).ToList();
        Assert.NotEmpty(members);
        Assert.All(members, handle => Assert.NotNull(assembly.ManifestModule.ResolveMember(MetadataTokens.GetToken(handle), any, any)));
    }

    [Fact]
    public void Metadata_keys_are_put_in_lower_case_and_checked()
    {
        Assert.Equal("x-key", new Metadata.Entry("X-Key", "v").Key);
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("white space", "v"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("", "v"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("text-bin", "v"));
        Assert.Throws<ArgumentException>(() => new Metadata.Entry("bytes", [1]));
    }

    [Fact]
    public void Metadata_entry_keeps_bytes_to_itself()
    {
        byte[] bytes = [1, 2];
        var entry = new Metadata.Entry("k-bin", bytes);
        bytes[0] = 9;
        entry.ValueBytes[1] = 9;
        Assert.Equal([1, 2], entry.ValueBytes);
        Assert.True(entry.IsBinary);
        Assert.Throws<InvalidOperationException>(() => entry.Value);
        Assert.Equal("v"u8.ToArray(), new Metadata.Entry("k", "v").ValueBytes);
    }

    [Fact]
    public void Key_may_occur_twice_and_its_last_value_counts()
    {
        var metadata = new Metadata { { "k", "one" }, { "K", "two" } };
        Assert.Equal(["one", "two"], metadata.GetAll("k").Select(entry => entry.Value));
        Assert.Equal("two", metadata.GetValue("k"));
        Assert.Null(metadata.Get("absent"));
    }

    [Fact]
    public void Empty_metadata_cannot_be_changed()
    {
        Assert.True(Metadata.Empty.IsReadOnly);
        Assert.Throws<InvalidOperationException>(() => Metadata.Empty.Add("k", "v"));
    }

    [Fact]
    public void Options_are_copied_by_each_change()
    {
        var options = new CallOptions(headers: [], deadline: DateTime.UnixEpoch);
        var changed = options.WithDeadline(DateTime.MaxValue).WithWaitForReady();
        Assert.Equal((DateTime.UnixEpoch, false), (options.Deadline, options.IsWaitForReady));
        Assert.Equal((DateTime.MaxValue, true), (changed.Deadline, changed.IsWaitForReady));
        Assert.Same(options.Headers, changed.Headers);
    }

    [Fact]
    public void Marshaller_of_arrays_and_of_contexts_are_each_also_the_other()
    {
        var arrays = Marshallers.Create(Encoding.UTF8.GetBytes, Encoding.UTF8.GetString);
        var contexts = Marshallers.Create(arrays.ContextualSerializer, arrays.ContextualDeserializer);
        Assert.Equal("héllo", contexts.Deserializer(contexts.Serializer("héllo")));
    }

    [Fact]
    public void Call_credentials_need_a_secured_channel()
    {
        var call = CallCredentials.FromInterceptor((_, _) => Task.CompletedTask);
        Assert.NotNull(ChannelCredentials.Create(ChannelCredentials.SecureSsl, call));
        Assert.Throws<ArgumentException>(() => ChannelCredentials.Create(ChannelCredentials.Insecure, call));
    }

    [Fact]
    public void Service_definition_binds_each_method_once()
    {
        var names = new List<string>();
        Echo.BindService(new NoService()).BindService(new Names(names));
        Assert.Equal(["Say", "Repeat", "Join", "Chat"], names);
    }

    private static bool IsOfStandIn(MetadataReader reader, EntityHandle handle) => handle.Kind switch
    {
        HandleKind.TypeReference => IsOfStandIn(reader, reader.GetTypeReference((TypeReferenceHandle)handle).ResolutionScope),
        HandleKind.TypeSpecification => IsOfStandIn(reader, GenericType(reader, (TypeSpecificationHandle)handle)),
        HandleKind.AssemblyReference =>
            reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)handle).Name)
                is "Grpc.Core.Api" or "Grpc.Net.Common" or "System.IO.Hashing",
        _ => false,
    };

    // ECMA-335 II.23.2.14: GENERICINST (CLASS | VALUETYPE) TypeDefOrRef ...
    private static EntityHandle GenericType(MetadataReader reader, TypeSpecificationHandle handle)
    {
        var blob = reader.GetBlobReader(reader.GetTypeSpecification(handle).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance)
            return default;
        blob.ReadCompressedInteger();
        return blob.ReadTypeHandle();
    }

    private sealed class NoService : Echo.EchoBase;

    private sealed class Names(List<string> names) : ServiceBinderBase
    {
        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) => names.Add(method.Name);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ClientStreamingServerMethod<TRequest, TResponse>? handler) => names.Add(method.Name);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) => names.Add(method.Name);

        public override void AddMethod<TRequest, TResponse>(
            Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) => names.Add(method.Name);
    }
}
