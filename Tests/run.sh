#!/usr/bin/env bash
# Sets up what the tests need and runs them: the checks of the house, the Swift tests, the node
# tests with real processes and a real model, and the small part of the interop suite.
#
#   Tests/run.sh          everything
#   Tests/run.sh swift    checks and Swift tests alone
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=../peers/setup.sh
. peers/setup.sh
starling_setup tcpdump iproute2 nftables

cache=${STARLING_CACHE:-$PWD/.build/starling}
peers/fetch.sh "$cache"
export STARLING_TEST_MODEL=$cache/SmolLM2-135M-Instruct.Q4_1.gguf
export STARLING_TEST_PLAYS=$cache/plays

echo "== checks"
Tests/checks/format.sh
Tests/checks/sources.sh
Tests/checks/imports.sh

echo "== swift test"
swift build --build-tests
swift test --skip-build --parallel
[ "${1:-all}" = swift ] && exit 0

echo "== node tests"
swift build -c release --product starling
bin=$(swift build -c release --show-bin-path)
STARLING=$bin/starling Tests/node/run.sh

echo "== interop: py-libp2p, go-libp2p"
swift build --product SwarmProbe
for script in py_libp2p.sh py_gossip.sh go_pnet.sh; do
    status=0
    Tests/interop/$script || status=$?
    case $status in
    0) ;;
    77) echo "interop: $script skipped, see above" ;;
    *) exit "$status" ;;
    esac
done
echo "all tests passed"
