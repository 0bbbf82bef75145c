using System.Text.Json.Nodes;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Messages;
using WhatsAppMesh.Dispatch.Tests.Driving;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What events make of jobs, in a real database.</summary>
public sealed class JobsFromEventsTests : IAsyncLifetime
{
    private readonly Lake _lake = new();
    private DispatchDatabase _database = null!;

    public async Task InitializeAsync() => _database = await DispatchDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task A_lead_that_comes_into_a_stage_gets_every_step_when_it_is_due()
    {
        await _database.AutomationAsync("stage_changed", "offer",
        [
            new AutomationStep("a", TimeSpan.Zero, "sales", new Message { Content = "Hi {{lead.name}}" }),
            new AutomationStep("b", TimeSpan.FromHours(2), "sales", new Message { Content = "Still there?" }),
        ]);
        await _database.ApplyAsync(_lake.Stage("42", "offer", 1, more: new JsonObject { ["name"] = "Ana", ["phone"] = "+5511999990001" }));
        Assert.Equal(["42|a|pending", "42|b|pending"], await _database.JobsAsync());
        Assert.Equal(["01", "03"], await _database.RowsAsync("select to_char(due_at at time zone 'utc', 'HH24') from jobs order by step_id"));
        Assert.Equal(["Ana|+5511999990001|offer"], await _database.RowsAsync("select facts->'name'->>'v', facts->'phone'->>'v', stage_id from leads"));
    }

    [Fact]
    public async Task An_event_told_again_makes_no_second_job()
    {
        await _database.AutomationAsync("stage_changed", "offer");
        await _database.AutomationAsync("trigger_fired", "orders", to: "5511999990001");
        var (stage, fired) = (_lake.Stage("42", "offer", 1), _lake.Trigger("orders", new JsonObject(), 1));
        await _database.ApplyAsync(stage, fired);
        await _database.ApplyAsync(stage, fired);
        Assert.Equal(2, (await _database.JobsAsync()).Count);
    }

    [Fact]
    public async Task A_move_to_the_stage_it_is_in_starts_nothing_and_coming_back_later_does()
    {
        await _database.AutomationAsync("stage_changed", "offer");
        await _database.ApplyAsync(_lake.Stage("42", "offer", 1));
        await _database.ApplyAsync(_lake.Stage("42", "offer", 2));
        Assert.Equal(["42|first|pending"], await _database.JobsAsync());
        await _database.ApplyAsync(_lake.Stage("42", "lost", 3));
        Assert.Equal(["42|first|cancelled"], await _database.JobsAsync());
        await _database.ApplyAsync(_lake.Stage("42", "offer", 4));
        Assert.Equal(["42|first|cancelled", "42|first|pending"], await _database.JobsAsync());
    }

    [Theory]
    [InlineData("1,3,2")]
    [InlineData("3,1,2")]
    [InlineData("2,3,1")]
    [InlineData("3,2,1")]
    [InlineData("1 3 2")]
    public async Task Two_tellings_of_a_stage_and_a_late_one_between_leave_one_job(string order)
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.AutomationAsync("stage_changed", "B");
        var events = new[] { _lake.Stage("42", "A", 1), _lake.Stage("42", "B", 2), _lake.Stage("42", "A", 3) };
        foreach (var batch in order.Split(','))
            await _database.ApplyAsync(batch.Split(' ').Select(number => events[int.Parse(number, null) - 1]));
        Assert.Equal(["A"], await _database.RowsAsync(
            "select a.trigger_value from jobs j join automations a on a.id = j.automation_id where j.status = 'pending'"));
    }

    [Fact]
    public async Task What_is_being_sent_when_the_lead_leaves_is_asked_to_stop()
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1));
        await _database.ExecuteAsync("update jobs set status = 'processing'");
        await _database.ApplyAsync(_lake.Stage("42", "B", 2));
        Assert.Equal(["processing|True"], await _database.RowsAsync("select status, cancel_requested from jobs"));
    }

    [Theory]
    [InlineData(false, "pending")]
    [InlineData(true, "cancelled")]
    public async Task A_correction_that_undoes_the_move_lets_the_job_live_again_unless_its_automation_is_off(bool isOff, string status)
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1));
        var moved = _lake.Stage("42", "B", 2, id: "moved");
        await _database.ApplyAsync(moved);
        Assert.Equal(["42|first|cancelled"], await _database.JobsAsync());
        if (isOff)
            await _database.ExecuteAsync("update automations set enabled = false");
        var corrected = _lake.Stage("42", "A", 2, id: "moved");
        corrected.Revision = 1;
        await _database.ApplyAsync(corrected);
        Assert.Equal([$"42|first|{status}"], await _database.JobsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_retry_in_other_bytes_that_an_older_lake_holds_as_a_revision_never_moves_its_lead(bool isOneBatch)
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.AutomationAsync("stage_changed", "B");
        var told = _lake.Stage("L9", "A", 1, id: "Z1");
        var moved = _lake.Stage("L9", "B", 2, id: "Z2");
        var retry = _lake.Stage("L9", "A", 3, id: "Z1", more: new JsonObject { ["name"] = "Ida" });
        retry.Revision = 1;
        foreach (var batch in isOneBatch ? (CollectedEvent[][])[[told, moved, retry]] : [[told], [moved], [retry], [told], [retry]])
            await _database.ApplyAsync(batch);
        Assert.Equal(["B"], await _database.RowsAsync("select stage_id from leads"));
        Assert.Equal(["B|pending"], await _database.RowsAsync(
            "select a.trigger_value, j.status from jobs j join automations a on a.id = j.automation_id where j.status = 'pending'"));
    }

    [Theory]
    [InlineData("12025550129")]
    [InlineData("12025550129.0")]
    [InlineData("1.2025550129e10")]
    [InlineData("\"12025550129\"")]
    public async Task A_phone_that_is_a_number_is_kept_as_its_digits(string json)
    {
        await _database.ApplyAsync(_lake.Stage("L9", "A", 1, more: new JsonObject { ["phone"] = JsonNode.Parse(json) }));
        Assert.Equal(["12025550129"], await _database.RowsAsync("select facts -> 'phone' ->> 'v' from leads"));
    }

    [Fact]
    public async Task A_correction_does_not_send_again_what_was_sent()
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1));
        await _database.ExecuteAsync("update jobs set status = 'sent'");
        await _database.ApplyAsync(_lake.Stage("42", "B", 2, id: "moved"));
        var corrected = _lake.Stage("42", "A", 2, id: "moved");
        corrected.Revision = 1;
        await _database.ApplyAsync(corrected);
        Assert.Equal(["42|first|sent"], await _database.JobsAsync());
    }

    [Fact]
    public async Task An_automation_minds_only_causes_since_it_was_switched_on()
    {
        await _database.AutomationAsync("stage_changed", "A", since: 5);
        await _database.AutomationAsync("member_joined", Lake.Group, since: 5);
        await _database.ApplyAsync(_lake.Stage("42", "A", 4), _lake.Join(Lake.Group, "1@lid", null, 4), _lake.Stage("43", "A", 6));
        Assert.Equal(["43|first|pending"], await _database.JobsAsync());
    }

    [Fact]
    public async Task Events_from_before_the_start_and_imported_ones_are_folded_and_start_nothing()
    {
        await _database.AutomationAsync("stage_changed", "A", since: -100);
        await _database.AutomationAsync("trigger_fired", "orders", since: -100);
        var imported = _lake.Trigger("orders", new JsonObject(), 3);
        imported.Imported = true;
        await _database.ApplyAsync(_lake.Stage("42", "A", -2), _lake.Trigger("orders", new JsonObject(), -1), imported);
        // The stay is known now: what is told of it later does not make it new.
        await _database.ApplyAsync(_lake.Stage("42", "A", 4));
        Assert.Empty(await _database.JobsAsync());
        Assert.Equal(["A"], await _database.RowsAsync("select stage_id from leads"));
    }

    [Fact]
    public async Task An_emptied_dispatch_folds_the_lake_and_sends_nothing_again()
    {
        await _database.AutomationAsync("stage_changed", "A");
        var events = Enumerable.Range(1, 20).Select(i => _lake.Stage($"{i % 5}", i % 2 == 0 ? "A" : "B", i)).ToList();
        await _database.ApplyAsync(events);
        var leads = await _database.RowsAsync("select lead_id, stage_id, facts from leads order by lead_id");
        await _database.ExecuteAsync($"truncate jobs, leads, stage_events cascade; update dispatch_epoch set started_at = '{Lake.Hour(100):O}'");
        await _database.ApplyAsync(events);
        Assert.Empty(await _database.JobsAsync());
        Assert.Equal(leads, await _database.RowsAsync("select lead_id, stage_id, facts from leads order by lead_id"));
    }

    [Fact]
    public async Task What_an_emptied_dispatch_hears_again_before_it_reads_the_lake_is_undone_by_what_the_lake_had_before()
    {
        await _database.AutomationAsync("stage_changed", "A");
        var (before, repeated) = (_lake.Stage("42", "A", -3), _lake.Stage("42", "A", 9));
        await _database.ApplyAsync(repeated);
        Assert.Equal(["42|first|pending"], await _database.JobsAsync());
        await _database.ApplyAsync(before);
        Assert.Equal(["42|first|cancelled"], await _database.JobsAsync());
    }

    [Fact]
    public async Task A_stay_that_is_handled_from_its_end_goes_by_the_key_it_had_in_an_earlier_life()
    {
        await _database.AutomationAsync("stage_changed", "A");
        CollectedEvent[] told = [_lake.Stage("42", "A", 1), _lake.Stage("42", "A", 9)];
        await _database.ApplyAsync(told);
        var sentUnder = await _database.RowsAsync("select send_key, key from jobs");
        await _database.ExecuteAsync("truncate jobs, leads, stage_events cascade");
        await _database.ApplyAsync(told[1]);
        await _database.ApplyAsync(told[0]);
        Assert.Equal(sentUnder, await _database.RowsAsync("select send_key, key from jobs"));

        // And a late move between the two makes the later one a stay of its own, with a job of its own.
        await _database.ApplyAsync(_lake.Stage("42", "B", 5));
        Assert.Equal(["42|first|cancelled", "42|first|pending"], (await _database.JobsAsync()).Order());
    }

    [Fact]
    public async Task An_import_between_two_tellings_of_a_stage_starts_nothing()
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1), _lake.Stage("42", "A", 3));
        await _database.ExecuteAsync("update jobs set status = 'sent', attempts = 1");
        var import = _lake.Stage("42", "B", 2);
        import.Imported = true;
        await _database.ApplyAsync(import);
        Assert.Equal(["42|first|sent"], await _database.JobsAsync());
    }

    [Fact]
    public async Task An_automation_that_is_deleted_while_a_correction_brings_a_job_back_takes_the_job_with_it()
    {
        var automation = await _database.AutomationAsync("stage_changed", "A");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1));
        await _database.ApplyAsync(_lake.Stage("42", "B", 2, id: "moved"));
        var corrected = _lake.Stage("42", "A", 2, id: "moved");
        corrected.Revision = 1;

        await using var connection = await _database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await _database.Handler.ApplyAsync([corrected], DeliveryContext.First, transaction, default);
        var deleting = new AutomationStore(_database.Source, new DispatchOptions(), TimeProvider.System).DeleteAsync("acme", automation.Id, default);
        while (!deleting.IsCompleted && (await _database.RowsAsync(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")).Count == 0)
            await Task.Delay(20);
        await transaction.CommitAsync();
        Assert.True(await deleting);
        Assert.Equal(["42|first|cancelled"], await _database.JobsAsync());
    }

    [Fact]
    public async Task A_join_that_is_told_long_afterwards_greets_nobody()
    {
        await _database.AutomationAsync("member_joined", Lake.Group);
        await _database.ApplyAsync(_lake.Join(Lake.Group, "1@lid", null, 1, received: 26), _lake.Join(Lake.Group, "2@lid", null, 1, received: 24));
        Assert.Equal(["2@lid"], await _database.RowsAsync("select subject->>'lid' from jobs"));
    }

    [Fact]
    public async Task Clocks_that_differ_by_seconds_lose_no_cause()
    {
        await _database.AutomationAsync("trigger_fired", "orders", since: 5, to: "5511999990001");
        await _database.ApplyAsync(_lake.Trigger("orders", new JsonObject(), 5 - (4 / 3600d)), _lake.Trigger("orders", new JsonObject(), 5 - (6 / 3600d)));
        Assert.Single(await _database.JobsAsync());
    }

    [Fact]
    public async Task An_empty_phone_or_name_takes_the_old_one_away_and_null_says_nothing()
    {
        await _database.ApplyAsync(_lake.Stage("42", "A", 1, more: JsonNode.Parse("""{"name":"Ana","phone":"1","attributes":{"city":"Recife"}}""")!.AsObject()));
        await _database.ApplyAsync(_lake.Stage("42", "A", 2, more: JsonNode.Parse("""{"name":null,"phone":" ","attributes":{"city":""}}""")!.AsObject()));
        Assert.Equal(["Ana||"], await _database.RowsAsync("select facts->'name'->>'v', facts->'phone'->>'v', facts->'attributes.city'->>'v' from leads"));
    }

    [Fact]
    public async Task A_replay_sends_only_when_it_may_and_only_what_was_never_made()
    {
        await _database.AutomationAsync("stage_changed", "A");
        await _database.AutomationAsync("trigger_fired", "orders", to: "5511999990001");
        var (stage, fired) = (_lake.Stage("42", "A", 1), _lake.Trigger("orders", new JsonObject(), 1));
        await _database.ApplyAsync([stage, fired], new DeliveryContext(IsReplay: true, AllowSends: false));
        Assert.Empty(await _database.JobsAsync());
        for (var again = 0; again < 2; again++)
            await _database.ApplyAsync([stage, fired], new DeliveryContext(IsReplay: true, AllowSends: true));
        Assert.Equal(["orders|first|pending"], await _database.JobsAsync());
    }

    [Fact]
    public async Task A_fired_trigger_keeps_only_the_values_that_the_message_asks_for()
    {
        await _database.AutomationAsync("trigger_fired", "orders", text: "{{trigger.order.lines.0.sku}} {{trigger.none}}", to: "{{trigger.customer}}");
        await _database.ApplyAsync(_lake.Trigger("orders", JsonNode.Parse("""{"customer":"5511999990001","card":"4111","order":{"lines":[{"sku":7}]}}""")!, 1));
        Assert.Equal(["5511999990001|7|2"], await _database.RowsAsync("""
            select subject->'values'->>'trigger.customer', subject->'values'->>'trigger.order.lines.0.sku', (select count(*) from jsonb_object_keys(subject->'values'))
            from jobs
            """));
    }

    [Fact]
    public async Task A_join_makes_a_job_for_the_person_and_no_key_holds_a_JID()
    {
        await _database.AutomationAsync("member_joined", Lake.Group);
        await _database.ApplyAsync(_lake.Join(Lake.Group, "77@lid", "5511999990001@s.whatsapp.net", 1), _lake.Join("other@g.us", "77@lid", null, 1));
        Assert.Equal(["77@lid|5511999990001@s.whatsapp.net"], await _database.RowsAsync("select subject->>'lid', subject->>'phone' from jobs"));
        Assert.Empty(await _database.RowsAsync("select key from jobs where key like '%@%' or entity like '%@%' or occurrence like '%@%'"));
    }

    [Fact]
    public async Task A_collector_cannot_pretend_to_be_a_trigger_a_crm_or_a_service()
    {
        await _database.AutomationAsync("stage_changed", "won");
        await _database.AutomationAsync("member_joined", Lake.Group);
        await _database.AutomationAsync("trigger_fired", "orders", to: "5511999990001");
        CollectedEvent[] told = [_lake.Join(Lake.Group, "77@lid", null, 1), _lake.Trigger("orders", new JsonObject(), 1), _lake.Stage("42", "won", 1)];
        await _database.ApplyAsync(told.Select(static one => new CollectedEvent(one) { Source = one.Source.Split(':')[0] }));
        Assert.Empty(await _database.JobsAsync());
        await _database.ApplyAsync(told);
        Assert.Equal(3, (await _database.JobsAsync()).Count);
    }

    [Fact]
    public async Task A_tenant_never_starts_what_another_one_set_up()
    {
        await _database.AutomationAsync("stage_changed", "A", tenant: "other");
        await _database.AutomationAsync("trigger_fired", "orders", tenant: "other");
        await _database.ApplyAsync(_lake.Stage("42", "A", 1), _lake.Trigger("orders", new JsonObject(), 1));
        Assert.Empty(await _database.JobsAsync());
    }

    [Fact]
    public async Task Facts_of_a_lead_are_the_newest_whatever_came_first()
    {
        var older = _lake.Stage("42", "A", 1, more: JsonNode.Parse("""{"name":"Ana","phone":"1","attributes":{"city":"Recife","plan":2}}""")!.AsObject());
        var newer = _lake.Stage("42", "B", 2, more: JsonNode.Parse("""{"name":"Ana Maria","attributes":{"city":"Olinda"}}""")!.AsObject());
        await _database.ApplyAsync(newer);
        await _database.ApplyAsync(older);
        Assert.Equal(["Ana Maria|1|Olinda|2|B"], await _database.RowsAsync("""
            select facts->'name'->>'v', facts->'phone'->>'v', facts->'attributes.city'->>'v', facts->'attributes.plan'->>'v', stage_id from leads
            """));
    }

    [Fact]
    public void Parts_of_a_key_never_run_into_each_other()
    {
        var id = Guid.NewGuid();
        Assert.NotEqual(JobKey.Of("a:b", "c", "v", id, "s", "o"), JobKey.Of("a", "b:c", "v", id, "s", "o"));
        Assert.NotEqual(JobKey.Of("a", "%3A", "v", id, "s", "o"), JobKey.Of("a", ":", "v", id, "s", "o"));
        Assert.Equal(64, JobKey.Hash("x").Length);
    }
}
