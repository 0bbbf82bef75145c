# shellcheck shell=bash
# shellcheck disable=SC2154  # the variables are those of run
# Brokers of this machine alone, and the components that name them.

broker_folder='' redis_pid='' rabbit_pid=''

needs_redis() { has "$brokers" redis || has "$stores" redis; }

# Debian's wrapper changes to its own user, for whom the folders here are not: the program behind it runs as whoever runs this script.
rabbitmq_program() {
    local program
    for program in /usr/lib/rabbitmq/bin/rabbitmq-server /usr/local/sbin/rabbitmq-server; do
        [ -x "$program" ] && { echo "$program"; return 0; }
    done
    return 1
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

wait_for_port() {
    local tries
    for ((tries = 0; tries < 300; tries++)); do
        if (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    return 1
}

# Each combination begins with empty brokers: topics and consumer groups have fixed names.
start_brokers() {
    redis_at=$redis rabbitmq_at=$rabbitmq kafka_at=$kafka
    [ "$needs_broker" = 1 ] || return 0
    broker_folder=$(mktemp -d)
    if { [ "$broker" = redis ] || [ "$store" = redis ]; } && [ -z "$redis" ]; then start_redis || return 1; fi
    if [ "$broker" = rabbitmq ] && [ -z "$rabbitmq" ]; then start_rabbitmq || return 1; fi
}

start_redis() {
    local port
    port=$(free_port)
    # What is confirmed is on disk: claims must outlive a crash.
    redis-server --bind 127.0.0.1 --port "$port" --dir "$broker_folder" --appendonly yes --appendfsync always --save '' >"$log.redis.log" 2>&1 &
    redis_pid=$!
    redis_at=127.0.0.1:$port
    wait_for_port 127.0.0.1 "$port"
}

start_rabbitmq() {
    local port
    port=$(free_port)
    mkdir -p "$broker_folder/rabbitmq"
    # Erlang's name server outlives those that ask it to start: one of our own, so that it can be ended.
    ERL_EPMD_PORT=$(free_port)
    export ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
    HOME=$broker_folder RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$port RABBITMQ_DIST_PORT=$(free_port) RABBITMQ_NODENAME="realdapr-$port@localhost" \
        RABBITMQ_BASE=$broker_folder RABBITMQ_MNESIA_BASE=$broker_folder/rabbitmq RABBITMQ_LOG_BASE=$broker_folder RABBITMQ_ENABLED_PLUGINS_FILE=$broker_folder/plugins \
        RABBITMQ_PID_FILE=$broker_folder/rabbitmq.pid RABBITMQ_CONFIG_FILE=$broker_folder/rabbitmq "$(rabbitmq_program)" >"$log.rabbitmq.log" 2>&1 &
    rabbit_pid=$!
    rabbitmq_at=amqp://guest:guest@127.0.0.1:$port
    wait_for_port 127.0.0.1 "$port"
}

stop_brokers() {
    local pid
    for pid in $redis_pid $rabbit_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    [ -z "$rabbit_pid" ] || epmd -kill >/dev/null 2>&1 || true
    redis_pid='' rabbit_pid=''
    [ -z "$broker_folder" ] || rm -rf "$broker_folder"
    broker_folder=''
}

# components/ with the examples of the broker and the store laid over it, at the addresses of here.
write_components() {
    rm -rf "$components"
    mkdir -p "$components"
    cp "$root"/components/*.yaml "$components/"
    [ "$broker" = kafka ] || cp "$root/deploy/components/$broker/pubsub.yaml" "$components/pubsub.yaml"
    [ "$store" = postgresql ] || cp "$root/deploy/components/redis/claims.yaml" "$components/claims.yaml"
    replace 127.0.0.1:6379 "$redis_at"
    replace amqp://guest:guest@127.0.0.1:5672 "$rabbitmq_at"
    replace 127.0.0.1:9092 "$kafka_at"
    # An address may hold a password.
    chmod 600 "$components"/*.yaml
}

replace() {
    [ -z "$2" ] || python3 - "$1" "$2" "$components"/pubsub.yaml "$components"/claims.yaml <<'PY'
import sys
for path in sys.argv[3:]:
    text = open(path).read()
    open(path, "w").write(text.replace(sys.argv[1], sys.argv[2]))
PY
}
