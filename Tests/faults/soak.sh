#!/usr/bin/env bash
# A federation under churn whose memory and descriptors are watched, as root:
#
#   STARLING=.build/release/starling Tests/faults/soak.sh [--minutes MINUTES]     60 unless told otherwise
set -euo pipefail
cd "$(dirname "$0")"
: "${STARLING:?the starling binary}"
minutes=60
if [ "${1:-}" = --minutes ]; then minutes=${2:?a number of minutes}; fi
exec python3 soak.py "$minutes"
