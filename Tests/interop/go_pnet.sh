#!/bin/sh
# Private networks against go-libp2p, the reference: each side dials the other under one key, with
# identify, ping and an echo; under another key no connection comes about.
# Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Everything runs in a network namespace of its own in which only the loopback interface is up.
#
# Usage: Tests/interop/go_pnet.sh [SWARMPROBE]      default: .build/debug/SwarmProbe
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
probe=${1:-$root/.build/debug/SwarmProbe}
cache=$here/.cache
python=$cache/go/bin/python
key=000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
other=ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f

# shellcheck source=listener.sh
. "$here/listener.sh"

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build --product SwarmProbe"
    prepare_go || skip "libp2p-go cannot be installed"
    enter_namespace "$0" "$probe"
fi

make_work_folder

side="starling dials go-libp2p"
echo "== $side"
start "$python" "$here/go_pnet_peer.py" $key listen
SWIFT_BACKTRACE=enable=no timeout -s KILL 60 "$probe" psk $key dial "$address" \
    >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; fail "$side"; }
expect identified go-libp2p
expect ping microseconds
expect echo '"bytes":"1000000"'
expect done ''
if SWIFT_BACKTRACE=enable=no timeout -s KILL 60 "$probe" psk $other dial "$address" \
    >"$work/out" 2>"$work/err"; then
    fail "$side: a connection under another key"
fi
if SWIFT_BACKTRACE=enable=no timeout -s KILL 60 "$probe" dial "$address" >"$work/out" 2>"$work/err"
then
    fail "$side: a connection without a key"
fi
stop

side="go-libp2p dials starling"
echo "== $side"
start "$probe" psk $key listen
timeout -s KILL 60 "$python" "$here/go_pnet_peer.py" $key dial "$address" \
    >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err"; fail "$side"; }
expect echo '"same": true'
expect done ''
stop
start "$probe" psk $other listen
if timeout -s KILL 60 "$python" "$here/go_pnet_peer.py" $key dial "$address" \
    >"$work/out" 2>"$work/err"; then
    fail "$side: a connection under another key"
fi
stop
echo "PASSED"
