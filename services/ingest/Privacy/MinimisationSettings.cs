using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>Reads <c>Mesh:Minimisation</c>, which ingest and edge share.</summary>
internal static class MinimisationSettings
{
    /// <summary>The settings; none of it, and a sentence to <paramref name="wrong"/>, when there are tenants and no key of sufficient length.</summary>
    public static Minimisation Read(IConfiguration configuration, Action<string> wrong)
    {
        try
        {
            return new Minimisation(configuration.GetSection(Minimisation.TenantsSetting).Get<string[]>() ?? [], configuration[Minimisation.KeySetting]);
        }
        catch (InvalidOperationException exception)
        {
            wrong(exception.Message);
            return new Minimisation([], null);
        }
    }
}
