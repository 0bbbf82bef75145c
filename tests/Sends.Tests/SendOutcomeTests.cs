using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What follows from an answer for the job.</summary>
public sealed class SendOutcomeTests
{
    private static readonly RetrySchedule Schedule = new([TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5)], 0.2);
    private static readonly TimeSpan Postponement = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(200, "keyed", 1, "sent", null)]
    [InlineData(200, "none", 1, "sent", null)]
    [InlineData(503, "keyed", 1, "pending", 60)]
    [InlineData(503, "keyed", 2, "pending", 300)]
    [InlineData(503, "keyed", 3, "failed_retryable", null)]
    [InlineData(408, "keyed", 1, "pending", 60)]
    [InlineData(503, "none", 1, "in_doubt", null)]
    [InlineData(504, "none", 1, "in_doubt", null)]
    [InlineData(null, "none", 1, "in_doubt", null)]
    [InlineData(null, "keyed", 1, "pending", 60)]
    [InlineData(422, "keyed", 1, "failed", null)]
    [InlineData(422, "none", 1, "failed", null)]
    [InlineData(302, "keyed", 1, "pending", 60)]
    [InlineData(302, "none", 1, "in_doubt", null)]
    public void Status_of_the_answer_decides(int? status, string idempotency, int attempt, string expected, int? wait)
    {
        var outcome = After(new BrokerReply(status), idempotency, attempt);

        Assert.Equal(expected, outcome.Status);
        Assert.True(outcome.Counts);
        Assert.Equal(wait ?? 0, outcome.Wait.TotalSeconds);
        Assert.Equal(expected == "failed", outcome.DefiniteRefusal);
    }

    [Fact]
    public void Retry_after_sets_the_next_attempt_and_is_not_believed_beyond_a_day()
    {
        Assert.Equal(TimeSpan.FromSeconds(7.7), After(new BrokerReply(429, "", TimeSpan.FromSeconds(7)), "none", 1).Wait);
        Assert.Equal(TimeSpan.FromDays(1.1), After(new BrokerReply(429, "", TimeSpan.FromDays(90)), "keyed", 1).Wait);
        Assert.Equal("failed_retryable", After(new BrokerReply(429, "", TimeSpan.FromSeconds(7)), "keyed", 3).Status);
    }

    [Theory]
    [InlineData(429, 0, 1.1)]
    [InlineData(429, -5, 1.1)]
    [InlineData(503, 1, 60)]
    [InlineData(503, 90, 90)]
    [InlineData(503, 90_000, 3600)]
    public void Retry_after_makes_no_attempt_come_sooner_than_is_good(int status, double asked, double wait) =>
        Assert.Equal(TimeSpan.FromSeconds(wait), After(new BrokerReply(status, "", TimeSpan.FromSeconds(asked)), "keyed", 1).Wait);

    [Theory]
    [InlineData("""{"error":{"code":"SESSION_DISCONNECTED"}}""", 409, "pending")]
    [InlineData("""{"errorCode":"ERR_DIRECT_INVOKE","message":"circuit breaker is open"}""", 500, "pending")]
    [InlineData("""{"errorCode":"ERR_DIRECT_INVOKE","message":"Connection refused"}""", 500, "pending")]
    [InlineData("{}", 429, "pending")]
    [InlineData("{}", 422, "failed")]
    public void An_answer_that_came_late_may_hide_an_earlier_try_by_the_sidecar(string body, int status, string expected)
    {
        var (soon, late) = (TimeSpan.FromMilliseconds(249), TimeSpan.FromMilliseconds(250));
        var reply = new BrokerReply(status, body);

        Assert.Equal((expected, false), (After(reply, "keyed", 1, soon).Status, After(reply, "keyed", 1, soon).MayHaveLeft));
        Assert.Equal((expected, true), (After(reply, "keyed", 1, late).Status, After(reply, "keyed", 1, late).MayHaveLeft));
        Assert.False(After(reply, "keyed", 1, late).DefiniteRefusal);
        // A broker without memory is called once.
        Assert.False(After(reply, "none", 1, late).MayHaveLeft);
    }

    [Theory]
    [InlineData(401)]
    [InlineData(403)]
    [InlineData(404)]
    [InlineData(409)]
    public void A_refusal_of_the_caller_or_the_key_says_nothing_final_about_the_message(int status)
    {
        var outcome = After(new BrokerReply(status, """{"error":{"code":"KEY_IN_PROGRESS"}}"""), "keyed", 1);

        Assert.Equal(("failed", false), (outcome.Status, outcome.DefiniteRefusal));
    }

    [Theory]
    [InlineData(null, "none", null)]
    [InlineData(null, "keyed", null)]
    [InlineData(0.0, "none", "in_doubt")]
    [InlineData(23.9, "keyed", null)]
    [InlineData(24.0, "keyed", "in_doubt")]
    public void What_may_have_left_is_sent_again_only_while_the_broker_remembers_its_key(double? hoursAgo, string idempotency, string? expected)
    {
        TimeSpan? earlier = hoursAgo is { } hours ? TimeSpan.FromHours(hours) : null;

        Assert.Equal(expected, SendOutcome.Before(earlier, Enum.Parse<BrokerIdempotency>(idempotency, ignoreCase: true), new SendingOptions().KeyWindow)?.Status);
    }

    [Theory]
    [InlineData(409, """{"error":{"code":"SESSION_DISCONNECTED"}}""")]
    [InlineData(500, """{"errorCode":"ERR_DIRECT_INVOKE","message":"circuit breaker is open"}""")]
    public void What_could_not_be_tried_is_put_off_and_no_attempt(int status, string body)
    {
        foreach (var idempotency in new[] { "keyed", "none" })
        {
            var outcome = After(new BrokerReply(status, body), idempotency, 3);

            Assert.Equal(("pending", false, Postponement), (outcome.Status, outcome.Counts, outcome.Wait));
        }
    }

    [Fact]
    public void A_connection_that_was_never_made_is_tried_again_by_a_broker_without_memory()
    {
        var reply = new BrokerReply(500, """{"errorCode":"ERR_DIRECT_INVOKE","message":"Connection refused"}""");

        Assert.Equal("pending", After(reply, "none", 1).Status);
        Assert.Equal("pending", After(new BrokerReply(null, NothingLeft: true), "none", 1).Status);
    }

    [Fact]
    public void Waits_are_spread_by_a_fifth_either_way_and_end()
    {
        Assert.Equal(48, Schedule.After(1, 0)!.Value.TotalSeconds, 3);
        Assert.Equal(72, Schedule.After(1, 1)!.Value.TotalSeconds, 3);
        Assert.Null(Schedule.After(3, 0.5));
        Assert.Equal(3, Schedule.Attempts);
        Assert.Equal([1, 5, 15, 60], new SendingOptions().Delays.Select(static d => d.TotalMinutes));
    }

    [Theory]
    [InlineData("""{"status":"connected","connected":true}""", "connected", true)]
    [InlineData("""{"status":"qr_required"}""", "qr_required", false)]
    [InlineData("""{"data":{"status":"disconnected","connected":false}}""", "disconnected", false)]
    [InlineData("""{"connected":false}""", "disconnected", false)]
    [InlineData("""{"status":"QR_REQUIRED"}""", "QR_REQUIRED", false)]
    [InlineData("""{"status":"connecting"}""", "connecting", false)]
    [InlineData("""{"status":"CONNECTED"}""", "CONNECTED", true)]
    [InlineData("""{"status":"open"}""", "open", true)]
    [InlineData("""{"status":"open","connected":false}""", "open", false)]
    [InlineData("""{"status":"\ud83d"}""", "unknown", true)]
    [InlineData("<html>", "unknown", true)]
    public void Status_of_an_instance_is_read_as_brokers_write_it(string body, string status, bool connected) =>
        Assert.Equal(new InstanceState(status, connected), InstanceStatus.Read(body));

    [Fact]
    public void Settings_that_would_let_another_worker_take_over_a_send_under_way_are_refused()
    {
        var wrong = new SendingOptions { CallTimeout = TimeSpan.FromSeconds(60), MaxInFlightPerInstance = 0, RatePerSecond = -1 }.Validate(new ClaimOptions());

        Assert.Equal(["CallTimeout", "MaxInFlightPerInstance", "RatePerSecond"], wrong.Select(static w => w.Split(':')[2]));
        Assert.Empty(new SendingOptions().Validate(new ClaimOptions()));
        Assert.Empty(new ClaimOptions().Validate());
    }

    [Theory]
    [InlineData(null, null, "Http", "http", false)]
    [InlineData("", null, "Http", "http", false)]
    [InlineData("DryRun", null, "DryRun", "DryRun", false)]
    [InlineData("disabled", "http", "Disabled", "disabled", false)]
    [InlineData("sidecar", null, "Http", "sidecar", true)]
    [InlineData(null, "Disabled", "Disabled", "Disabled", false)]
    public void The_older_setting_chooses_the_mode_and_what_was_written_is_kept(string? value, string? section, string mode, string written, bool warns)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([KeyValuePair.Create("WHATSAPP_MODE", value), KeyValuePair.Create("Dispatch:Sending:Mode", section)]).Build();

        var options = configuration.GetSection(SendingOptions.Section).Get<SendingOptions>() ?? new SendingOptions();

        options.TakeMode(configuration, Assert.Fail, out var warning);

        Assert.Equal((mode, written), (options.Mode.ToString(), options.ModeSetting));
        Assert.Equal(warns, warning is not null);
    }

    private static SendOutcome After(BrokerReply reply, string idempotency, int attempt, TimeSpan latency = default) => SendOutcome.After(
        BrokerAnswer.Read(reply), latency, Enum.Parse<BrokerIdempotency>(idempotency, ignoreCase: true), attempt, Schedule, Postponement, dice: 0.5);
}
