#!/bin/sh
# Interoperability with py-libp2p: each side dials the other, and asks for identify, ping and an
# echo with a half-close. Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Everything runs in a network namespace of its own in which only the loopback interface is up.
#
# Usage: Tests/interop/py_libp2p.sh [SWARMPROBE]      default: .build/debug/SwarmProbe
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
probe=${1:-$root/.build/debug/SwarmProbe}
cache=$here/.cache
python=$cache/py/bin/python

# shellcheck source=listener.sh
. "$here/listener.sh"

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build --product SwarmProbe"
    prepare_py || skip "py-libp2p cannot be installed"
    enter_namespace "$0" "$probe"
fi

make_work_folder

side="starling dials py-libp2p"
echo "== $side"
start "$python" "$here/py_libp2p_peer.py" listen
SWIFT_BACKTRACE=enable=no timeout -s KILL 60 "$probe" dial "$address" >"$work/out" 2>"$work/err"
code=$?
cat "$work/out"
[ $code = 0 ] || { cat "$work/err" "$work/listener.err"; fail "$side: exit code $code"; }
expect identified py-libp2p
expect identified /ipfs/ping/1.0.0
expect identified '"record":"[1-9]'
expect ping microseconds
expect echo '"bytes":"1000000"'
expect refusal protocolUnsupported
expect done ''
stop

side="py-libp2p dials starling"
echo "== $side"
start "$probe" listen
timeout -s KILL 60 "$python" "$here/py_libp2p_peer.py" dial "$address" >"$work/out" 2>"$work/err"
code=$?
cat "$work/out"
echo "-- the listener's side"
# The listener ends by itself once its peer has gone.
cat <&3 | tee "$work/listener.out"
[ $code = 0 ] || { cat "$work/err" "$work/listener.err"; fail "$side: exit code $code"; }
expect identified starling/
expect identified /test/echo/1.0.0
expect identified '"record": \["/ip4'
expect ping results
expect echo '"bytes": 1000000'
expect half-close true
expect refusal '"error": "'
expect done ''
for event in identified ping disconnected; do
    grep -q "\"event\":\"$event\"" "$work/listener.out" || fail "$side: the listener saw no $event"
done
grep '"event":"ping"' "$work/listener.out" | grep -q microseconds || fail "$side: no ping back"
stop
echo "PASSED"
