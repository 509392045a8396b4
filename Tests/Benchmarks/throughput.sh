#!/bin/sh
# One stream between two nodes, beside two p2pd daemons (go-libp2p 0.32.1), in turns: on loopback,
# and over a link of 50 ms round-trip time that SwarmProbe makes of two TUN devices. Prints a table;
# asks that starling reaches the least rate on loopback and four fifths of go-libp2p's on the link.
#
# Everything runs in two network namespaces without a way out. Needs a release build.
# Exit codes: 0 passed, 1 failed, 77 skipped.
#
# Usage: Tests/Benchmarks/throughput.sh [SWARMPROBE]      default: .build/release/SwarmProbe
#        STARLING_TURNS=3 STARLING_LOOPBACK_BYTES=2000000000 STARLING_LINK_BYTES=200000000
#        STARLING_DELAY_MS=25 (one way) STARLING_RATE_MBIT=0 (no bound) STARLING_LOSS_PERCENT=0
set -u

root=$(cd "$(dirname "$0")/../.." && pwd)
interop=$root/Tests/interop
probe=${1:-$root/.build/release/SwarmProbe}
cache=$interop/.cache
turns=${STARLING_TURNS:-3}
loopback_bytes=${STARLING_LOOPBACK_BYTES:-2000000000}
link_bytes=${STARLING_LINK_BYTES:-200000000}
delay=${STARLING_DELAY_MS:-25}

# shellcheck source=../interop/listener.sh
. "$interop/listener.sh"

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build -c release --product SwarmProbe"
    # shellcheck source=../interop/p2pd_get.sh
    . "$interop/p2pd_get.sh"
    enter_namespace "$0" "$probe"
fi
p2pd=$cache/p2pd

make_work_folder
far= bridge=
trap 'for pid in $far $bridge; do kill -KILL "$pid" 2>/dev/null; done; clean_up' EXIT

# The far end's namespace; its process does nothing but hold it.
unshare -n sleep 1200 &
far=$!
while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
in_far() { nsenter -t "$far" -n "$@"; }
in_far ip link set lo up

link_up() {
    "$probe" bridge star0 star1 "$delay" "${STARLING_RATE_MBIT:-0}" \
        "${STARLING_LOSS_PERCENT:-0}" >"$work/bridge" 2>&1 &
    bridge=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        grep -q READY "$work/bridge" && break
        sleep 0.2
    done
    ip link set star1 netns "$far" 2>/dev/null || skip "no TUN devices: $(cat "$work/bridge")"
    ip address add 10.77.0.1/30 dev star0 && ip link set star0 up txqueuelen 10000
    in_far ip address add 10.77.0.2/30 dev star1 && in_far ip link set star1 up txqueuelen 10000
}

number() { grep '"event": *"sent"' "$1" | sed 's/.*"megabytesPerSecond": *"\{0,1\}\([0-9.]*\).*/\1/'; }

# Appends the rate of one starling transfer to a file.
starling() { # FILE BYTES LISTENER...
    file=$1 bytes=$2
    shift 2
    start "$@"
    timeout -s KILL 120 "$probe" send "$address" "$bytes" >"$work/out" 2>"$work/err" \
        || fail "starling sent nothing: $(cat "$work/err")"
    stop
    number "$work/out" >>"$work/$file"
}

go_libp2p() { # FILE BYTES [PID ADDRESS ADDRESS]
    file=$1
    shift
    timeout -s KILL 120 "${STARLING_PYTHON:-python3}" "$interop/p2pd_stream.py" "$p2pd" "$@" \
        >"$work/out" 2>"$work/err" || fail "p2pd sent nothing: $(cat "$work/err")"
    number "$work/out" >>"$work/$file"
}

turn=0
while [ $turn -lt "$turns" ]; do
    starling loop.starling "$loopback_bytes" "$probe" listen
    go_libp2p loop.go "$loopback_bytes"
    turn=$((turn + 1))
done
link_up
turn=0
while [ $turn -lt "$turns" ]; do
    starling link.starling "$link_bytes" nsenter -t "$far" -n "$probe" listen /ip4/10.77.0.2/tcp/0
    go_libp2p link.go "$link_bytes" "$far" 10.77.0.1 10.77.0.2
    turn=$((turn + 1))
done

median() { sort -n "$work/$1" | awk '{ v[NR] = $1 } END { printf "%.0f", v[int((NR + 1) / 2)] }'; }
all() { sort -n "$work/$1" | awk '{ printf "%s%.0f", (NR > 1 ? " " : ""), $1 }'; }
echo "| one stream, median MB/s of $turns turns | starling | go-libp2p 0.32.1 |"
echo "| --- | --- | --- |"
echo "| loopback, $((loopback_bytes / 1000000)) MB | $(median loop.starling) ($(all loop.starling)) | $(median loop.go) ($(all loop.go)) |"
echo "| $((2 * delay)) ms round trip, $((link_bytes / 1000000)) MB | $(median link.starling) ($(all link.starling)) | $(median link.go) ($(all link.go)) |"
[ "$(median loop.starling)" -ge "${STARLING_LOOPBACK_MIN:-400}" ] \
    || fail "less than ${STARLING_LOOPBACK_MIN:-400} MB/s on loopback"
[ $((5 * $(median link.starling))) -ge $((4 * $(median link.go))) ] \
    || fail "less than four fifths of go-libp2p's rate on the link"
echo "PASSED"
