using System.Reflection;
using Google.Protobuf.Reflection;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Charts.Tests.Protos;

/// <summary>The contracts as protoc compiled them: descriptors of every file under protos/.</summary>
internal static class Descriptors
{
    public static IReadOnlyList<FileDescriptor> All { get; } = [.. typeof(CollectedEvent).Assembly.GetTypes()
        .Select(type => type.GetProperty("Descriptor", BindingFlags.Public | BindingFlags.Static))
        .Where(property => property?.PropertyType == typeof(FileDescriptor))
        .Select(property => (FileDescriptor)property!.GetValue(null)!)
        .OrderBy(file => file.Name, StringComparer.Ordinal)];

    public static IEnumerable<ServiceDescriptor> Services => All.SelectMany(file => file.Services);

    /// <summary>One line for each thing that somebody who speaks a contract counts on, and for each number or name that is reserved.</summary>
    public static IEnumerable<string> Lines => All.SelectMany(LinesOf).Order(StringComparer.Ordinal);

    private static IEnumerable<string> LinesOf(FileDescriptor file) =>
    [
        .. file.MessageTypes.SelectMany(LinesOf),
        .. file.EnumTypes.SelectMany(LinesOf),
        .. file.Services.SelectMany(service => service.Methods).Select(method =>
            $"rpc {method.Service.FullName}.{method.Name} ({Stream(method.IsClientStreaming)}{method.InputType.FullName}) returns ({Stream(method.IsServerStreaming)}{method.OutputType.FullName})"),
    ];

    private static IEnumerable<string> LinesOf(MessageDescriptor message) =>
    [
        .. message.Fields.InFieldNumberOrder().Select(field => $"field {message.FullName} {field.FieldNumber} {field.Name}: {TypeOf(field)}"),
        .. message.ToProto().ReservedRange.SelectMany(range => Enumerable.Range(range.Start, range.End - range.Start)).Select(number => $"reserved {message.FullName} {number}"),
        .. message.NestedTypes.SelectMany(LinesOf),
        .. message.EnumTypes.SelectMany(LinesOf),
    ];

    private static IEnumerable<string> LinesOf(EnumDescriptor type) => type.Values.Select(value => $"value {type.FullName} {value.Number} {value.Name}");

    private static string TypeOf(FieldDescriptor field)
    {
        var name = field.FieldType switch
        {
            FieldType.Message or FieldType.Group => field.MessageType.FullName,
            FieldType.Enum => field.EnumType.FullName,
            var simple => simple.ToString(),
        };
        var label = field.IsRepeated ? "repeated " : field.HasPresence && field.FieldType != FieldType.Message ? "optional " : "";
        return label + name + (field.RealContainingOneof is { } oneof ? $" of {oneof.Name}" : "");
    }

    private static string Stream(bool streams) => streams ? "stream " : "";
}
