#!/usr/bin/env bash
# Nodes that nobody can dial: two of them only dial out and reach each other through the third, which is
# a relay; all take part in every round. Then the relay is killed and comes back.
cd "$(dirname "$0")"
. ./federation.sh

await() { # SECONDS WHAT COMMAND...: until the command ends with 0
    local seconds=$1 what=$2
    shift 2
    for _ in $(seq $((seconds * 5))); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    fail "within $seconds s not: $what"
}

peers() { # NAME JQ_FILTER
    "$STARLING" peers list --home "$folder/$1" --format json | jq -e "$2"
}

dial_out() { # INDEX JOIN_LINE: a node that listens nowhere
    local name=${names[$1]} play=${plays[$1]}
    head -n 400 "$STARLING_TEST_PLAYS/${play}_gut.txt" >"$folder/$name.txt"
    "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --listen none --threads 1 --join "$2" --stay --log-level info \
        >>"$folder/$name.log" 2>>"$folder/$name.err" &
    process[$name]=$!
}

port=$(python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])')
relay_flags=(--relay-service --stay --log-level info --listen "/ip4/127.0.0.1/tcp/$port")
init 8 2 --quorum 3
start 0 "" "${relay_flags[@]}"
first=$(join_line ada)
ada=$(status ada peer_id)
dial_out 1 "$first"

# The node that nobody can dial has a join line through the relay, and the last one joins by it.
through=$(join_line bela)
[[ $through == */p2p/$ada/p2p-circuit/p2p/* ]] || fail "bela's join line is '$through'"
dial_out 2 "$through"
bela=$(status bela peer_id)
await 60 'bela and cleo are connected through ada' \
    peers cleo "[.connections[] | select(.peer == \"$bela\" and .relay == \"$ada\")] | length == 1"
await_round cleo 2 120
for name in ada bela cleo; do
    await_round "$name" 2 60
    [ "$(status "$name" 'participants | length')" = 3 ] || fail "not all take part at $name"
done
"$STARLING" status --home "$folder/bela" | grep -q 'through .*p2p-circuit' || fail "status shows no relay"
[ "$(status ada 'relayed_peers | length')" = 2 ] || fail "the relay does not show both nodes"
"$STARLING" doctor --home "$folder/bela" --no-speed --format json >"$folder/doctor.json"
jq -e '.network[] | select(.check == "reachable")
    | .outcome == "warning" and (.finding | startswith("private")) and (.repair | length > 0)' \
    "$folder/doctor.json" >/dev/null || fail "doctor: $(jq -c .network "$folder/doctor.json")"

# The relay dies and comes back: both come back to it and to each other, and the rounds go on.
kill -KILL "${process[ada]}"
unset "process[ada]"
await 20 'the circuit is gone' peers cleo '.connections | length == 0'
start 0 "" "${relay_flags[@]}"
await 60 'both are back' peers ada '.connections | length == 2'
await 60 'the circuit is back' \
    peers cleo "[.connections[] | select(.peer == \"$bela\" and .relay == \"$ada\")] | length == 1"
for name in ada bela cleo; do await_round "$name" 8 120; done
same_digest ada bela cleo >/dev/null
for name in ada bela cleo; do
    kill -TERM "${process[$name]}"
    await_exit "$name" 60
    audit_passes "$name"
done
jq -e . "$folder/cleo.audit.json" >/dev/null
echo "relay: two nodes that only dial out take part in 8 rounds through a third, over its death too"
