using System.Globalization;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>
/// A trigger that fires at a steady rate, and an automation that makes one send of each firing: so many messages must leave the broker in
/// the end, and none of them twice. Its tenant is not the load's, so that the books of both stay apart.
/// </summary>
internal sealed class FaultSends : IAsyncDisposable
{
    private const string Tenant = "faults-sends";
    private const string Trigger = "faults";
    private const string Secret = "only-for-the-time-of-a-campaign";
    private const string Key = "key-for-the-time-of-a-campaign";
    private const string Automation =
        """{"name":"faults","trigger":{"kind":"trigger_fired","trigger_id":"faults"},"steps":[{"step_id":"one","instance_id":"faults","message":{"type":"text","to":"5500000000001","content":"fired"}}]}""";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RetryWait = TimeSpan.FromMilliseconds(200);

    private readonly MeshInstance _mesh;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(15) };
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _giveUp = new();
    private Task _firing = Task.CompletedTask;

    private FaultSends(MeshInstance mesh) => _mesh = mesh;

    /// <summary>Firings accepted so far.</summary>
    public int Fired { get; private set; }

    /// <summary>What edge has to know: the trigger, and a key to make the automation with.</summary>
    public static IEnumerable<KeyValuePair<string, string>> EdgeSettings =>
    [
        new("Edge__Triggers__0__Name", Trigger),
        new("Edge__Triggers__0__Tenant", Tenant),
        new("Edge__Triggers__0__Secrets__0__Id", "faults"),
        new("Edge__Triggers__0__Secrets__0__Value", Secret),
        new("Edge__ApiKeys__0__Name", "faults"),
        new("Edge__ApiKeys__0__Tenant", Tenant),
        new("Edge__ApiKeys__0__Role", "operator"),
        new("Edge__ApiKeys__0__Hash", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Key)))),
    ];

    /// <summary>What dispatch is told: no limit of its own, and no minutes between two attempts.</summary>
    public static IReadOnlyDictionary<string, string> DispatchSettings { get; } = new Dictionary<string, string>
    {
        ["Dispatch__Sending__RatePerSecond"] = "0",
        ["Dispatch__Sending__Postponement"] = "00:00:02",
        ["Dispatch__Sending__RetryDelays__0"] = "00:00:02",
        ["Dispatch__Sending__RetryDelays__1"] = "00:00:05",
        ["Dispatch__Sending__RetryDelays__2"] = "00:00:10",
        ["Dispatch__Sending__RetryDelays__3"] = "00:00:20",
        ["Dispatch__Sending__RetryDelays__4"] = "00:00:40",
    };

    /// <summary>Makes the automation and begins to fire.</summary>
    /// <exception cref="MeshException">The automation was not taken.</exception>
    public static async Task<FaultSends> StartAsync(MeshInstance mesh, CancellationToken cancellationToken)
    {
        var sends = new FaultSends(mesh);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(mesh.Service("edge").HttpAddress, "/api/automations"))
        {
            Content = new StringContent(Automation, Encoding.UTF8, "application/json"),
            Headers = { { "X-API-Key", Key } },
        };
        using var answer = await sends._client.SendAsync(request, cancellationToken);
        if (!answer.IsSuccessStatusCode)
            throw new MeshException($"The automation of the campaign was answered {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellationToken)}", ExitCodes.Failed);
        sends._firing = sends.FireAsync();
        return sends;
    }

    /// <summary>Fires no more and waits until the last firing is accepted.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await _stop.CancelAsync();
        _giveUp.CancelAfter(patience);
        await _firing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Waits until as many messages have left as the trigger has fired.</summary>
    /// <returns>What is not as it must be; empty when all is well.</returns>
    public async Task<IReadOnlyList<string>> CloseAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var counts = await Eventually.AskAsync(() => CountAsync(cancellationToken), c => c.Keys >= Fired, patience, cancellationToken);
        List<string> faults = [];
        if (counts.Keys < Fired)
            faults.Add($"{Fired - counts.Keys} of {Fired} sends never left");
        if (counts.Keys > Fired)
            faults.Add($"{counts.Keys - Fired} sends left that nothing had fired");
        if (counts.Sent > counts.Keys)
            faults.Add($"{counts.Sent - counts.Keys} messages left twice");
        return faults;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero);
        _client.Dispose();
        _stop.Dispose();
        _giveUp.Dispose();
    }

    private async Task FireAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            while (!await FireOnceAsync(Fired))
                await Task.Delay(RetryWait, _giveUp.Token);
            Fired++;
            await Task.Delay(Interval, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> FireOnceAsync(int number)
    {
        var body = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"number":{{number}}}"""));
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_mesh.Service("edge").HttpAddress, $"/api/triggers/{Trigger}/webhook"))
        {
            Content = new ByteArrayContent(body) { Headers = { { "Content-Type", "application/json" } } },
            Headers =
            {
                { "X-Webhook-Signature", Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret), body)) },
                { "Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"faults-{number}") },
            },
        };
        try
        {
            using var answer = await _client.SendAsync(request, _giveUp.Token);
            return answer.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException || (e is TaskCanceledException && !_giveUp.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<(int Sent, int Keys)> CountAsync(CancellationToken cancellationToken)
    {
        var counts = await _client.GetFromJsonAsync<JsonElement>(new Uri(_mesh.BrokerAddress, "/sim/counts"), cancellationToken);
        return (counts.GetProperty("sent").GetInt32(), counts.GetProperty("keys").GetInt32());
    }
}
