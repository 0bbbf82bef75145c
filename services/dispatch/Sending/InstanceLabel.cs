namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>How a metric names an instance of the broker. People name instances as they like, also for the phone that is behind them.</summary>
internal static class InstanceLabel
{
    /// <summary>What stands for every instance whose name may be somebody's.</summary>
    public const string Number = "number";

    // The shortest international number has eight digits (E.164 allows fifteen).
    private const int DigitsOfPhone = 8;

    /// <summary>The name itself, unless it is a JID or has a phone number in it, however that is written; a UUID is neither.</summary>
    public static string Of(string instance) => Guid.TryParse(instance, out _) || !IsPersonal(instance) ? instance : Number;

    private static bool IsPersonal(string instance)
    {
        var digits = 0;
        foreach (var character in instance)
        {
            if (character == '@')
                return true;
            if (char.IsDigit(character))
                digits++;
            else if (character is not (' ' or '-' or '.' or '(' or ')' or '+' or '_' or '/' or ':'))
                digits = 0;
            if (digits >= DigitsOfPhone)
                return true;
        }
        return false;
    }
}
