#!/usr/bin/env bash
# The node tests: real processes, real sockets, the real model.
set -euo pipefail
cd "$(dirname "$0")"
for test in commands documents network resume audit log kill unequal tiers join members relay gossip secure groups wire; do
    echo "-- $test"
    "./$test.sh" || {
        echo "FAILED: $test.sh" >&2
        exit 1
    }
done
