using WhatsAppMesh.DevSidecar.Access;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Tests.Access;

/// <summary>Access control as daprd decides it for an app that speaks h2c.</summary>
public sealed class AccessControlTests : IDisposable
{
    private static readonly CallerIdentity Caller = new("public", "default", "caller");

    private readonly string _folder = Directory.CreateTempSubdirectory("devsidecar-access-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("/x.V1/Get", "/x.V1/Get", false, "gRPC names keep their capitals, the rule has lost its own")]
    [InlineData("/x.*1/*et", "/x.V1/Get", true, "a capital as a star fits both")]
    [InlineData("/x.*1/*et", "/x.V1/Set", true, "and more than that")]
    [InlineData("/x.*1/*et", "/x.V1/List", false, "but not everything")]
    [InlineData("/x.v1/*", "/x.v1/anything", true, "one segment")]
    [InlineData("/x.v1/*", "/x.v1", true, "and none")]
    [InlineData("/x.v1/*", "/x.v1/a/b", false, "not two")]
    [InlineData("/x/**", "/x/a/b", true, "any number")]
    [InlineData("/x/*/z", "/x/y/z", false, "a star between two fits nothing")]
    [InlineData("/x/y", "/x/y/z", true, "what is longer by whole segments fits too")]
    [InlineData("/x/y", "/x/yz", false, "what is longer by letters does not")]
    [InlineData("x/y", "/x/y", true, "the slash may be missing in the rule")]
    public void A_gRPC_method_is_found_as_daprd_finds_it(string rule, string method, bool allowed, string why) =>
        Assert.True(allowed == (Read(Policy(rule)).Refusal(Caller, method, verb: null) is null), why);

    [Theory]
    [InlineData("/Leads/**", "leads/42/Events", true)]
    [InlineData("/leads/**", "LEADS/42/events", true)]
    [InlineData("/healthz", "healthz", true)]
    [InlineData("/healthz", "metrics", false)]
    public void A_path_over_HTTP_is_found_whatever_its_capitals(string rule, string path, bool allowed) =>
        Assert.Equal(allowed, Read(Policy(rule)).Refusal(Caller, path, "GET") is null);

    [Theory]
    [InlineData("[GET]", "GET", true)]
    [InlineData("[GET]", "POST", false)]
    [InlineData("[GET, \"*\"]", "POST", true)]
    [InlineData("[POST]", "PURGE", true)]
    [InlineData("[]", "GET", false)]
    public void A_verb_counts_over_HTTP_and_one_that_Dapr_does_not_know_is_POST(string verbs, string verb, bool allowed) =>
        Assert.Equal(allowed, Read(Policy("/x", verbs)).Refusal(Caller, "x", verb) is null);

    [Fact]
    public void No_verb_counts_over_gRPC() => Assert.Null(Read(Policy("/x", "[GET]")).Refusal(Caller, "/x", verb: null));

    [Theory]
    [InlineData("public", "default", "stranger")]
    [InlineData("public", "elsewhere", "caller")]
    [InlineData("other.domain", "default", "caller")]
    public void Who_is_not_the_caller_of_a_policy_gets_the_default_action(string domain, string space, string app)
    {
        var caller = new CallerIdentity(domain, space, app);

        Assert.NotNull(Read(Policy("/x")).Refusal(caller, "x", "GET"));
        Assert.Null(Read(Policy("/x").Replace("defaultAction: deny\ntrustDomain", "defaultAction: allow\ntrustDomain", StringComparison.Ordinal)).Refusal(caller, "y", "GET"));
    }

    [Fact]
    public void Nobody_is_told_as_daprd_tells_it()
    {
        var rules = Read(Policy("/x"));

        Assert.Equal("access control policy has denied access to id:  operation: /x verb: NONE", rules.Refusal(null, "/x", verb: null));
        Assert.Equal("access control policy has denied access to id: spiffe://public/ns/default/caller operation: a/B verb: DELETE", rules.Refusal(Caller, "a/B", "delete"));
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("trustDomain: public", false)]
    [InlineData("trustDomain: public\npolicies: []", true)]
    [InlineData("defaultAction: deny\npolicies: []", false)]
    [InlineData("defaultAction: Allow", true)]
    public void Rules_without_a_policy_allow_or_deny_as_in_daprd(string block, bool? allowed)
    {
        var rules = TryRead(block);

        Assert.Equal(allowed is null, rules is null);
        if (allowed is not null)
            Assert.Equal(allowed, rules!.Refusal(Caller, "x", "GET") is null);
    }

    [Theory]
    [InlineData("namespace")]
    [InlineData("trustDomain")]
    [InlineData("appId")]
    public void A_policy_that_lacks_what_daprd_needs_ends_the_start(string field)
    {
        var lines = Policy("/x").Split('\n').Where(line => !line.StartsWith($"  {field}:", StringComparison.Ordinal));

        Assert.Contains(field, Assert.Throws<StartFailure>(() => Read(string.Join('\n', lines))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_several_files_the_last_that_has_rules_counts_and_the_others_keep_their_tracing()
    {
        var set = Load("tracing: {samplingRate: \"0.5\"}\naccessControl: {defaultAction: allow}", "accessControl: {defaultAction: deny, trustDomain: mine}");

        Assert.Equal(("mine", 0.5), (set.Access!.TrustDomain, set.Tracing.SamplingRate));
    }

    private static string Policy(string rule, string verbs = "[\"*\"]") =>
        $"""
        defaultAction: deny
        trustDomain: public
        policies:
        -
          appId: caller
          namespace: default
          trustDomain: public
          defaultAction: deny
          operations: [{"{"} name: "{rule}", httpVerb: {verbs}, action: allow {"}"}]
        """;

    private AccessControl Read(string block) => TryRead(block)!;

    private AccessControl? TryRead(string block) => Load("accessControl:\n  " + block.ReplaceLineEndings("\n  ")).Access;

    private ResourceSet Load(params string[] specs)
    {
        var files = specs.Select((spec, index) =>
        {
            var file = Path.Combine(_folder, $"{index}.yaml");
            File.WriteAllText(file, $"apiVersion: dapr.io/v1alpha1\nkind: Configuration\nmetadata: {{name: x}}\nspec:\n  {spec.ReplaceLineEndings("\n  ")}\n");
            return file;
        });
        return ResourceSet.Load(new SidecarFlags { AppId = "app", ConfigFiles = [.. files] });
    }
}
