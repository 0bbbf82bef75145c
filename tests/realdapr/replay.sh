# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables are those of run
# The step 'replay': traffic and two poisoned events through a mesh that stays up, their dead letters replayed by the Dapr CLI, and the audit.

mesh_pid=''

run_replay() {
    local said=ok sent stored applied doubled lost accepted
    start_mesh || { record replay - - - - - "failed: the mesh does not start, see $log.up.log"; stop_mesh; return; }
    accepted=$(send_traffic) || said="failed: traffic, see $log.send.log"
    replay_one invoke 120363000000009901@g.us || said="failed: dapr invoke, see $log.invoke.log"
    replay_one publish 120363000000009902@g.us || said="failed: dapr publish, see $log.publish.log"
    mesh audit --json --grace 120 >"$log.audit.json" 2>"$log.audit.log" || { [ "$said" != ok ] || said="failed: the audit does not balance, see $log.audit.json"; }
    stop_mesh
    sent=$((${accepted:-0} + 2))
    # Of the consumers the worst: what is applied at least, what is pending or accounted for without a reason at most.
    if read -r stored applied doubled lost < <(json "$log.audit.json" '
logs = [(s["service"], l) for s in d["services"] for l in s["logs"]]
heads = {l["log"]: l["head"] for _, l in logs}
def each(*names): return [sum(l[n]["count"] for s, l in logs if s == service for n in names) for service in {s for s, _ in logs}]
print(sum(map(int, heads.values())), min(each("applied")), max(each("never_logged", "torn")), max(each("pending", "dead")))'); then
        record replay "$sent" "$stored" "$applied" "$doubled" "$lost" "$said"
    else
        record replay "$sent" - - - - "${said/#ok/failed: no audit, see $log.audit.log}"
    fi
}

# Without a token on the sidecars: the Dapr CLI cannot send one.
start_mesh() {
    local tries
    # Not by the function: the launcher itself must be what is ended later.
    MESH_DAPRD=$daprd MESH_COMPONENTS=$components "$root/mesh" up --fresh --no-api-token --json >"$log.up.json" 2>"$log.up.log" &
    mesh_pid=$!
    for ((tries = 0; tries < 900; tries++)); do
        json "$log.up.json" 'd["curl"]' && break
        kill -0 "$mesh_pid" 2>/dev/null || return 1
        sleep 0.5
    done
    edge=$(json "$log.up.json" 'print([s for s in d["services"] if s["name"] == "edge"][0]["http"].rstrip("/"))') || return 1
    secret=$(json "$root/.mesh/secrets.json" 'print(d["collector_secret"])') || return 1
    json "$root/.mesh/secrets.json" 'print(d["databases"]["membership"])' | "$root/mesh" component-url --out "$out/membership.url" >/dev/null
}

stop_mesh() {
    [ -n "$mesh_pid" ] || return 0
    kill -TERM "$mesh_pid" 2>/dev/null || true
    wait "$mesh_pid" 2>/dev/null || true
    mesh_pid=''
    rm -f "$out/membership.url"
}

send_traffic() {
    WHATSAPP_WEBHOOK_SECRET=$secret dotnet exec "$root/artifacts/bin/Collector/release/WhatsAppMesh.Collector.dll" --url "$edge" --count "$count" --seed "$seed" >"$log.send.log" 2>&1 || return 1
    sed -n 's/^\([0-9]*\) accepted.*/\1/p' "$log.send.log"
}

sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$(cat "$out/membership.url")" -c "$1"; }

# A group that membership's database refuses dies; once the cause is gone, the CLI replays it.
replay_one() {
    local way=$1 group=$2 id answer body event
    {
        sql "alter table whatsapp_groups add constraint realdapr_$way check (jid <> '$group')" || return 1
        body='{"type":"groups.metadata","chat_jid":"'$group'","payload":{"id":"'$group'","addressingMode":"lid","subject":"replayed by '$way'","size":1,"participants":[{"id":"999000000009901@lid","jid":"12025559901@s.whatsapp.net"}]}}'
        event=$(python3 -c 'import uuid; print(uuid.uuid4())')
        answer=$(curl -sS -o /dev/null -w '%{http_code}' "$edge/api/webhooks/whatsapp" -H 'Content-Type: application/json' -H "X-Event-Id: $event" -d "$body" \
            -H "X-Signature: $(sign "$event.$body")")
        echo "posted: $answer"
        [ "$answer" = 201 ] || return 1
        id=$(wait_for "membership" 'letters = d["membership"]["dead_letters"]; assert letters; print(letters[0]["id"])' dlq list --service membership --json) || { echo "there is no dead letter"; return 1; }
        sql "alter table whatsapp_groups drop constraint realdapr_$way" || return 1
        by "$way" '{"ids":["'"$id"'"],"reason":"the constraint is gone"}' || return 1
        wait_for "$way" 'assert d["dead_letter"]["state"] == "replayed"' dlq show "$id" --json || { echo "dead letter $id was not replayed"; return 1; }
        echo "replayed by dapr $way"
    } >"$log.$way.log" 2>&1
}

# The HMAC of a text under the collector's secret, which stands in no list of processes.
sign() { SECRET=$secret python3 -c 'import hashlib, hmac, os, sys; print(hmac.new(os.environ["SECRET"].encode(), sys.argv[1].encode(), hashlib.sha256).hexdigest())' "$1"; }

# The Dapr CLI finds the sidecar by its app id.
by() {
    case $1 in
        invoke) "$cli" invoke --app-id membership --method dead-letters/replay --verb POST --data "$2" ;;
        publish) "$cli" publish --publish-app-id membership --pubsub pubsub --topic whatsapp.events.membership.replay --data "$2" ;;
    esac
}

# Asks ./mesh until Python on its JSON neither fails nor asserts; prints what it printed.
wait_for() {
    local name=$1 code=$2 tries
    shift 2
    for ((tries = 0; tries < 60; tries++)); do
        if mesh "$@" >"$log.$name.json" 2>"$log.$name.err" && json "$log.$name.json" "$code"; then return 0; fi
        sleep 1
    done
    return 1
}
