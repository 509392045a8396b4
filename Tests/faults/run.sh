#!/usr/bin/env bash
# The acceptance scenarios of the network with real nodes in network namespaces, as root:
#
#   STARLING=.build/release/starling Tests/faults/run.sh [NUMBER...]     all unless told otherwise
#
# Needs Linux, iproute2, nftables, ethtool, a C compiler and python3. See README.md for the cases.
set -euo pipefail
cd "$(dirname "$0")"
: "${STARLING:?the starling binary}"
[ "$(id -u)" -eq 0 ] || { echo "run.sh: needs root, for network namespaces" >&2; exit 1; }
for tool in ip nft ethtool cc python3; do
    command -v "$tool" >/dev/null || { echo "run.sh: $tool is missing" >&2; exit 1; }
done
exec python3 faults.py "$@"
