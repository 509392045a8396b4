#!/bin/sh
# Gossip of 300 bytes among 30 nodes in one process: how long a message takes to every other node,
# on quiet links, and again while every node sends bulk to its neighbour as fast as it goes. Asks for no
# loss, half of all arrivals within 10 ms, and under bulk 99 of 100 within 200 ms.
#
# Runs in a network namespace in which only the loopback interface is up. Needs a release build.
# Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Usage: Tests/Benchmarks/gossip_latency.sh [SWARMPROBE]      default: .build/release/SwarmProbe
#        STARLING_NODES=30 STARLING_MESSAGES=100 STARLING_BULK_STREAMS=30
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
interop=$root/Tests/interop
probe=${1:-$root/.build/release/SwarmProbe}

# shellcheck source=../interop/listener.sh
. "$interop/listener.sh"

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build -c release --product SwarmProbe"
    enter_namespace "$0" "$probe"
fi

make_work_folder
timeout -s KILL 300 "$probe" gossip-latency "${STARLING_NODES:-30}" "${STARLING_MESSAGES:-100}" \
    "${STARLING_BULK_STREAMS:-30}" >"$work/out" 2>"$work/err" || { cat "$work/err"; fail "no result"; }

value() { # EVENT KEY
    sed -n "/\"event\":\"$1\"/s/.*\"$2\":\"\([0-9.]*\)\".*/\1/p" "$work/out"
}
at_most() { awk "BEGIN { exit !($1 <= $2) }"; }

echo "| 300 bytes, ${STARLING_NODES:-30} nodes | delivered | p50 ms | p99 ms | most ms | bulk MB/s |"
echo "| --- | --- | --- | --- | --- | --- |"
for event in "latency" "latency under bulk"; do
    delivered=$(value "$event" delivered)
    echo "| $event | $delivered of $(value "$event" expected) | $(value "$event" p50ms) |" \
        "$(value "$event" p99ms) | $(value "$event" maxms) |" \
        "$(value "$event" bulkMegabytesPerSecond) |"
    [ "$delivered" = "$(value "$event" expected)" ] || lost="$event"
done
[ -z "${lost:-}" ] || fail "messages were lost: $lost"
at_most "$(value latency p50ms)" 10 || fail "half of the arrivals took more than 10 ms"
at_most "$(value 'latency under bulk' p99ms)" 200 || fail "1 of 100 took more than 200 ms under bulk"
echo "PASSED"
