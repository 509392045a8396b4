#!/usr/bin/env bash
# Two nodes behind firewalls, which nobody can dial: they find out, reach each other through the third
# node, which is a relay, and take part in every round. Then the relay is killed and comes back.
#
# The firewalls are nftables in network namespaces. Where there are none, both nodes listen nowhere.
cd "$(dirname "$0")"

if [ -z "${STARLING_RELAY_TEST:-}" ]; then
    export STARLING_RELAY_TEST=bare
    if unshare -rn nft list ruleset >/dev/null 2>&1; then
        export STARLING_RELAY_TEST=walls
        exec unshare -rn "./$(basename "$0")"
    fi
fi

. ./federation.sh

# A namespace of its own for a node, with a way to the relay, and a wall that lets no dial in.
walls=("" "" "")
build_wall() { # INDEX
    unshare -n sleep 600 &
    walls[$1]=$!
    process[wall$1]=$!
    local inside="nsenter -t ${walls[$1]} -n"
    await 5 'a namespace' sh -c "[ \$(readlink /proc/${walls[$1]}/ns/net) != \$(readlink /proc/$$/ns/net) ]"
    ip link add "out$1" type veth peer name in netns "${walls[$1]}"
    ip addr add "10.7.$1.1/24" dev "out$1"
    ip link set "out$1" up
    $inside ip link set lo up
    $inside ip addr add "10.7.$1.2/24" dev in
    $inside ip link set in up
    $inside ip route add default via "10.7.$1.1"
    $inside nft add table inet wall
    $inside nft 'add chain inet wall input { type filter hook input priority 0; }'
    $inside nft 'add rule inet wall input iifname "in" tcp flags & (syn|ack) == syn drop'
}

run_node() { # INDEX [more flags of run]
    local name=${names[$1]} play=${plays[$1]} inside=
    [ -n "${walls[$1]:-}" ] && inside="nsenter -t ${walls[$1]} -n"
    shift
    head -n 400 "$STARLING_TEST_PLAYS/${play}_gut.txt" >"$folder/$name.txt"
    $inside "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --threads 1 --stay --log-level info "$@" >>"$folder/$name.log" 2>>"$folder/$name.err" &
    process[$name]=$!
}

if [ "$STARLING_RELAY_TEST" = walls ]; then
    ip link set lo up
    # Whoever has no wall could dial the others: only the walls are in the way.
    echo 1 >/proc/sys/net/ipv4/ip_forward
    build_wall 1
    build_wall 2
    host=10.7.1.1
    walled=()
else
    host=127.0.0.1
    walled=(--listen none)
fi

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("", 0)); print(s.getsockname()[1])')
init 30 1 --quorum 3
run_node 0 --relay-service --listen "/ip4/$host/tcp/$port"
first=$(join_line ada)
ada=$(status ada peer_id)
run_node 1 --join "$first" "${walled[@]}"

# The node has found out that nobody can dial it and has a join line through the relay; the last one
# joins by it.
circuit() { grep -q '^join: .*/p2p-circuit/p2p/' "$folder/bela.log"; }
await 40 'bela has a relay' circuit
through=$(join_line bela)
[[ $through == */p2p/$ada/p2p-circuit/p2p/* ]] || fail "bela's join line is '$through'"
run_node 2 --join "$through" --listen none
bela=$(status bela peer_id)
relayed="[.connections[] | select(.peer == \"$bela\" and .relay == \"$ada\")] | length == 1"
await 60 'bela and cleo are connected through ada' peers cleo "$relayed"
for name in cleo bela ada; do
    await_round "$name" 2 120
    [ "$(status "$name" 'participants | length')" = 3 ] || fail "not all take part at $name"
done
"$STARLING" status --home "$folder/bela" | grep -q 'through .*p2p-circuit' || fail "status shows no relay"
[ "$(status ada 'relayed_peers | length')" = 2 ] || fail "the relay does not show both nodes"
if [ "$STARLING_RELAY_TEST" = walls ]; then
    [ "$(status bela reachability)" = private ] || fail "bela's verdict is $(status bela reachability)"
fi

# The relay dies and comes back: both come back to it and to each other, and the rounds go on.
kill -KILL "${process[ada]}"
unset "process[ada]"
[ "$(status cleo round)" -lt 30 ] || fail "the rounds were over before the relay died"
await 20 'the circuit is gone' peers cleo '.connections | length == 0'
run_node 0 --relay-service --listen "/ip4/$host/tcp/$port"
await 60 'the circuit is back' peers cleo "$relayed"
if [ "$STARLING_RELAY_TEST" = walls ]; then
    inside="nsenter -t ${walls[1]} -n"
    $inside "$STARLING" doctor --home "$folder/bela" --no-speed --format json >"$folder/doctor.json"
    jq -e '.network[] | select(.check == "reachable") | .outcome == "warning"
        and (.finding | startswith("private")) and (.repair | test("7411"))' "$folder/doctor.json" \
        >/dev/null || fail "doctor: $(jq -c .network "$folder/doctor.json")"
fi
for name in ada bela cleo; do await_round "$name" 30 120; done
same_digest ada bela cleo >/dev/null
for name in ada bela cleo; do
    kill -TERM "${process[$name]}"
    await_exit "$name" 60
    audit_passes "$name"
done
echo "relay: two nodes that nobody can dial ($STARLING_RELAY_TEST) take part in 30 rounds through a third"
