#!/bin/sh
# Gossip with py-libp2p. First py-libp2p listens and two starling nodes dial it, so that what they
# say to each other goes through it; then starling listens and py-libp2p dials. Each side publishes
# ten messages, which all others must accept and deliver, and each side is sent a message with a
# broken signature, which it must refuse. Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Everything runs in a network namespace of its own in which only the loopback interface is up.
#
# Usage: Tests/interop/py_gossip.sh [SWARMPROBE]      default: .build/debug/SwarmProbe
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

fail() { echo "FAILED: $1"; tail -n 20 "$work"/*.err; exit 1; }

work=$(mktemp -d) || exit 1
pids=
clean_up() {
    for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
    rm -rf "$work"
}
trap clean_up EXIT

# Starts a program in the background: its output goes to NAME.out, its errors to NAME.err.
start() {
    name=$1
    shift
    SWIFT_BACKTRACE=enable=no timeout -s KILL 90 "$@" >"$work/$name.out" 2>"$work/$name.err" &
    pids="$pids $!"
}

# Waits up to 50 s until a text stands in an output.
await() {
    tries=0
    until grep -q -- "$2" "$work/$1"; do
        tries=$((tries + 1))
        [ "$tries" -le 500 ] || { cat "$work/$1"; fail "$side: no $2 in $1"; }
        sleep 0.1
    done
}

address_of() {
    await "$1.out" '^READY '
    sed -n 's/^READY //p' "$work/$1.out" | head -n 1
}

# Requires that NAME has delivered all ten messages of AUTHOR.
delivered() {
    for number in 0 1 2 3 4 5 6 7 8 9; do await "$1.out" "\"data\": *\"$2-$number\""; done
    echo "$1 delivered 10 of 10 from $2"
}

refused() {
    ! grep -q "$2" "$work/$1.out" || fail "$side: $1 delivered $2"
    echo "$1 refused $2"
}

side="starling dials py-libp2p"
echo "== $side"
start py "$python" "$here/py_gossip_peer.py" listen first,second
address=$(address_of py)
start first "$probe" gossip first "$address"
start second "$probe" gossip second "$address"
delivered py first
delivered py second
delivered first py
delivered second py
delivered first second
delivered second first
await py.out sound-by-hand
refused py broken-by-hand
await py.out '"complete"'
for pid in $pids; do kill -KILL "$pid" 2>/dev/null; done
pids=

side="py-libp2p dials starling"
echo "== $side"
start third "$probe" gossip third
address=$(address_of third)
start dialer "$python" "$here/py_gossip_peer.py" dial third "$address"
delivered dialer third
delivered third py
await dialer.out '"done"'
await third.err 'messageRefused.*invalidSignature'
await third.err 'graylisted'
refused third broken-by-hand
refused third late-by-hand
echo "PASSED"
