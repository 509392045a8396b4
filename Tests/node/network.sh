#!/usr/bin/env bash
# The network as a person sees it: peer list, bans and pings beside a running node, doctor, private
# networks, a bootstrap node that dies, and a copied home.
cd "$(dirname "$0")"
. ./federation.sh

expect() { # EXIT_CODE TEXT COMMAND...: ends with that code and says that text
    local code=$1 text=$2 status=0
    shift 2
    "$@" >"$folder/out" 2>"$folder/err" || status=$?
    [ "$status" -eq "$code" ] || fail "'$*' ended with $status, not $code: $(cat "$folder/err")"
    grep -qi -- "$text" "$folder/out" "$folder/err" || fail "'$*' does not say '$text': $(cat "$folder/out" "$folder/err")"
}

# Without any node: files alone, and clear errors.
expect 20 'neither' "$STARLING" peers add --home "$folder/none" nonsense
expect 20 'TCP port' "$STARLING" peers add --home "$folder/none" /ip4/1.2.3.4/udp/1/quic-v1
expect 0 '1 added' "$STARLING" peers add --home "$folder/none" /dns/node.example.org/tcp/7411
expect 24 'not in' "$STARLING" peers remove --home "$folder/none" /ip4/1.2.3.4/tcp/1
expect 0 '1 removed' "$STARLING" peers remove --home "$folder/none" /dns/node.example.org/tcp/7411
expect 20 'range' "$STARLING" peers ban --home "$folder/none" 1.2.3.4/99
expect 0 '1 banned' "$STARLING" peers ban --home "$folder/none" 192.0.2.0/24 --reason 'for example'
expect 24 'not banned' "$STARLING" peers unban --home "$folder/none" 192.0.2.1
expect 22 'nothing listens' "$STARLING" peers ping --home "$folder/none" /ip4/127.0.0.1/tcp/1
expect 20 'max-upload' "$STARLING" run --home "$folder/none" --max-upload 1 --data "$0" --join /ip4/127.0.0.1/tcp/1

# Three nodes in a private network; the second joins through the first, the third through the second.
"$STARLING" peers new-key "$folder/swarm.key" >/dev/null
expect 20 'not overwritten' "$STARLING" peers new-key "$folder/swarm.key"
key=(--network-key "$folder/swarm.key")
init 500 4
start 0 "" --stay "${key[@]}" --log-level info
first=$(join_line ada)
"$STARLING" peers new-key "$folder/other.key" >/dev/null
expect 22 'another one or none' "$STARLING" peers ping --home "$folder/none" "$first" --network-key "$folder/other.key"
expect 22 'network-key' "$STARLING" peers ping --home "$folder/none" "$first"
expect 0 'ms' "$STARLING" peers ping --home "$folder/none" "$first" "${key[@]}"
start 1 "$first" --stay "${key[@]}" --log-level info
second=$(join_line bela)
start 2 "$second" --stay "${key[@]}" --log-level info
await 60 'three connected' peers cleo '.connections | length == 2'
await_round bela 1 120

# Gossip has brought results and tree heads of both others.
await 30 'tree heads of two members' jq -e '.announcedHeight >= 1 and (.logSizes | length == 2)' \
    "$folder/cleo/network.json"

# Doctor beside the running node, which is not disturbed.
"$STARLING" doctor --home "$folder/bela" --no-speed "${key[@]}" --peer "$first" --format json >"$folder/doctor.json"
jq -e '[.network[] | select(.outcome != "passed")] == []
    and ([.network[].check] | unique == ["bind","clock","identity","key","peers","reachable"])' \
    "$folder/doctor.json" >/dev/null || fail "doctor: $(jq -c .network "$folder/doctor.json")"

# A ban closes and keeps out, and lifting it lets in again; the node runs on.
ada=$(status ada peer_id)
expect 0 '1 banned' "$STARLING" peers ban --home "$folder/cleo" "$ada" --reason trial
await 20 'ada is gone from cleo' peers cleo "[.connections[] | select(.peer == \"$ada\")] == []"
sleep 3
peers cleo "[.connections[] | select(.peer == \"$ada\")] == [] and .banned[0].reason == \"trial\"" >/dev/null \
    || fail "a banned peer came back"
expect 0 '1 unbanned' "$STARLING" peers unban --home "$folder/cleo" "$ada"
await 60 'ada is back at cleo' peers cleo "[.connections[] | select(.peer == \"$ada\")] | length == 1"

# A copied home is refused while the node it was copied from runs.
# Files that the running node replaces meanwhile may be gone before cp reaches them.
cp -r "$folder/bela" "$folder/dora" 2>"$folder/cp.err" || ! grep -qv 'No such file' "$folder/cp.err" \
    || fail "the home is not copied: $(cat "$folder/cp.err")"
rm -f "$folder/dora/status.json"* "$folder/dora/network.json"*
start 3 "$first" --stay "${key[@]}" --log-level info
await 60 'the copy is told' grep -q "another running node has this node's key" "$folder/dora.err"
await 30 'the others refuse the copy' grep -q 'two running nodes have one key' "$folder/ada.err" "$folder/cleo.err"
"$STARLING" doctor --home "$folder/dora" --no-speed "${key[@]}" --peer "$first" --format json >"$folder/doctor.json"
jq -e '.network[] | select(.check == "identity") | .outcome == "failed" and (.repair | length > 0)' \
    "$folder/doctor.json" >/dev/null || fail "doctor does not see the copy: $(jq -c .network "$folder/doctor.json")"
kill -KILL "${process[dora]}"
unset "process[dora]"

# The first node dies for good: the others go on, and a newcomer joins through the last.
kill -KILL "${process[ada]}"
unset "process[ada]"
before=$(status cleo round)
await_round cleo $((before + 2)) 240
third=$(join_line cleo)
rm -rf "$folder/dora"
start 3 "$third" --stay "${key[@]}" --log-level info
await 60 'the newcomer knows both' peers dora '.connections | length == 2'
# A newcomer with a peer list and no join line comes in as well.
"$STARLING" peers add --home "$folder/eric" /ip4/127.0.0.1/tcp/1 "$third" >/dev/null
names+=(eric)
plays+=(macbeth)
start 4 "" --stay "${key[@]}" --log-level info
await 60 'the newcomer with a list knows a member' peers eric '.connections | length >= 1'
kill -TERM "${process[eric]}"
await_exit eric 60
# Started again without any join line it finds them by what it remembers.
kill -TERM "${process[dora]}"
await_exit dora 60
start 3 "" --stay "${key[@]}" --log-level info
await 60 'the newcomer finds them again' peers dora '.connections | length == 2'
echo "network: lists, bans, pings, doctor, private networks and the death of the first node hold"
