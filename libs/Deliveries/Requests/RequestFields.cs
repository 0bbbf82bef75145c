using Google.Protobuf;
using Google.Protobuf.Reflection;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Rules that every field of every request keeps, whatever it means: texts that PostgreSQL can hold, times that exist, enum values that are
/// known. What breaks one is INVALID_ARGUMENT and names the field, such as <c>filter.types[2]</c>.
/// </summary>
public static class RequestFields
{
    /// <summary>Checks a request with everything inside it.</summary>
    /// <exception cref="RpcException">INVALID_ARGUMENT: a field breaks a rule.</exception>
    public static void Check(IMessage request) => Check(request, "");

    /// <summary>The refusal of a field.</summary>
    /// <param name="field">Its name in the contract.</param>
    /// <param name="rule">What it must be, as the rest of a sentence.</param>
    public static RpcException Invalid(string field, string rule) => new(new Status(StatusCode.InvalidArgument, $"{field}: {rule}."));

    private static void Check(IMessage message, string prefix)
    {
        if (message is Timestamp time)
        {
            if (!IsTime(time))
                throw Invalid(prefix, "must lie in the years 1 to 9999");
            return;
        }

        foreach (var field in message.Descriptor.Fields.InDeclarationOrder())
        {
            if (field.IsMap || field.FieldType is not (FieldType.String or FieldType.Message or FieldType.Enum))
                continue;
            var name = prefix.Length == 0 ? field.Name : $"{prefix}.{field.Name}";
            var value = field.Accessor.GetValue(message);
            if (!field.IsRepeated)
            {
                Check(field, value, name);
                continue;
            }

            var index = 0;
            foreach (var item in (System.Collections.IEnumerable)value)
                Check(field, item, $"{name}[{index++}]");
        }
    }

    private static void Check(FieldDescriptor field, object? value, string name)
    {
        switch (value)
        {
            case string text when !IsText(text):
                throw Invalid(name, "must be text without NUL and without half characters");
            case IMessage inner:
                Check(inner, name);
                break;
            case System.Enum when field.EnumType.FindValueByNumber((int)value) is null:
                throw Invalid(name, "is not a value of the contract");
        }
    }

    private static bool IsText(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '\0')
                return false;
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    private static bool IsTime(Timestamp time) => time is { Seconds: >= -62135596800 and <= 253402300799, Nanos: >= 0 and <= 999_999_999 };
}
