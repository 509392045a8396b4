#!/bin/sh
# Circuit relay v2 against go-libp2p: two starling nodes through its relay, up to that relay's limit;
# go-libp2p through starling's relay to a starling node; and a starling node to go-libp2p behind it.
# Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Everything runs in a network namespace of its own in which only the loopback interface is up.
#
# Usage: Tests/interop/relay.sh [SWARMPROBE]      default: .build/debug/SwarmProbe
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
probe=${1:-$root/.build/debug/SwarmProbe}
cache=$here/.cache

# shellcheck source=listener.sh
. "$here/listener.sh"

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build --product SwarmProbe"
    # shellcheck source=p2pd_get.sh
    . "$here/p2pd_get.sh"
    enter_namespace "$0" "$probe"
fi
p2pd=$cache/p2pd

make_work_folder
export SWIFT_BACKTRACE=enable=no

# Starts a node behind the relay at $address; its own address is $circuit.
start_behind() {
    timeout -s KILL 60 "$probe" behind "$address" >"$work/behind" 2>"$work/behind.err" &
    behind=$!
    circuit=
    for _ in $(seq 100); do
        circuit=$(sed -n 's/^READY //p' "$work/behind")
        [ -n "$circuit" ] && return
        kill -0 "$behind" 2>/dev/null || break
        sleep 0.1
    done
    cat "$work/behind" "$work/behind.err"
    fail "$side: no reservation"
}

stop_behind() {
    kill -KILL "$behind" 2>/dev/null
    wait "$behind" 2>/dev/null
}

side="starling to starling through go-libp2p's relay"
echo "== $side"
start python3 "$here/p2pd_relay.py" "$p2pd" relay
start_behind
timeout -s KILL 60 "$probe" exhaust "$circuit" >"$work/out" 2>"$work/err" \
    || { cat "$work/out" "$work/err" "$work/listener.err"; fail "$side"; }
cat "$work/behind" "$work/out"
grep -q '"limit":"131072 bytes and 120 s"' "$work/behind" || fail "$side: another limit"
grep -q '"voucher":"true"' "$work/behind" || fail "$side: no voucher that holds"
expect ping microseconds
# The relay counts bytes as this side does, and breaks off there.
expect ended 'limit of 131072 bytes'
expect done ''
stop_behind
stop

side="go-libp2p to starling through starling's relay"
echo "== $side"
start "$probe" relay
start_behind
timeout -s KILL 60 python3 "$here/p2pd_relay.py" "$p2pd" dial "$circuit" >"$work/out" 2>"$work/err" \
    || { cat "$work/out" "$work/err" "$work/behind" "$work/behind.err"; fail "$side"; }
cat "$work/out" "$work/behind"
expect connected ''
expect ping '32 bytes'
expect echo '"bytes": 1000000'
grep '"event":"identified"' "$work/behind" | grep -q agent || fail "$side: nobody came"
grep '"event":"ping"' "$work/behind" | grep -q microseconds || fail "$side: no ping back"
stop_behind
stop

side="starling to go-libp2p through starling's relay"
echo "== $side"
start "$probe" relay
timeout -s KILL 60 python3 "$here/p2pd_relay.py" "$p2pd" behind "$address" >"$work/behind" 2>"$work/behind.err" &
behind=$!
# Its own address is behind the relay once it has taken the relay's word, and checked the voucher.
for _ in $(seq 300); do
    grep -q 'reservation made' "$work/listener.err" && break
    sleep 0.1
done
peer=$(sed -n 's/^READY .*\/p2p\///p' "$work/behind")
timeout -s KILL 60 "$probe" exhaust "$address/p2p-circuit/p2p/$peer" >"$work/out" 2>"$work/err" \
    || { cat "$work/out" "$work/err" "$work/behind.err" "$work/listener.err"; fail "$side"; }
cat "$work/out"
expect ping microseconds
expect ended protocolUnsupported
expect done ''
stop_behind
stop
echo "PASSED"
