using System.Reflection;
using System.Reflection.Emit;

namespace WhatsAppMesh.Charts.Tests.Calls;

/// <summary>One compiled method: what it names and which texts stand in it. Whatever is called, in whatever way, has to be named.</summary>
/// <param name="Place">The type that the source has it in: lambdas, iterators and asynchronous methods become types of their own.</param>
/// <param name="Members">Methods that it calls or points to.</param>
/// <param name="Texts">Its string literals, in their order.</param>
internal sealed record CompiledMethod(Type Place, IReadOnlyList<MethodBase> Members, IReadOnlyList<string> Texts);

/// <summary>Reads compiled methods instruction by instruction.</summary>
internal static class CompiledCode
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;
    private const byte TwoBytes = 0xFE;

    private static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(static field => (OpCode)field.GetValue(null)!).ToDictionary(static code => code.Value);

    /// <summary>Every method of an assembly that has a body.</summary>
    public static IEnumerable<CompiledMethod> Of(Assembly assembly) => assembly.GetTypes().SelectMany(Of);

    /// <summary>Every method of a type that has a body, without those of the types in it.</summary>
    public static IEnumerable<CompiledMethod> Of(Type type) =>
        type.GetMethods(Own).Concat<MethodBase>(type.GetConstructors(Own)).Where(static method => method.GetMethodBody() is not null).Select(Read);

    private static CompiledMethod Read(MethodBase method)
    {
        var il = method.GetMethodBody()!.GetILAsByteArray()!;
        var (members, texts) = (new List<MethodBase>(), new List<string>());
        var typeArguments = method.DeclaringType!.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < il.Length;)
        {
            var code = Codes[il[at] == TwoBytes ? (short)((TwoBytes << 8) | il[at + 1]) : il[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineTok
                && method.Module.ResolveMember(BitConverter.ToInt32(il, at), typeArguments, methodArguments) is MethodBase member)
                members.Add(member);
            else if (code.OperandType == OperandType.InlineString)
                texts.Add(method.Module.ResolveString(BitConverter.ToInt32(il, at)));
            at += SizeOf(code.OperandType, il, at);
        }

        return new CompiledMethod(PlaceOf(method.DeclaringType), members, texts);
    }

    private static int SizeOf(OperandType operand, byte[] il, int at) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
        _ => 4,
    };

    private static Type PlaceOf(Type type)
    {
        while (type.DeclaringType is { } outer && type.Name.StartsWith('<'))
            type = outer;
        return type;
    }
}
