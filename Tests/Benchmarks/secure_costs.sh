#!/usr/bin/env bash
# The costs of secure rounds, and beside them those of SecAgg+ in Flower, in one run:
# secure_costs.sh [COUNTxELEMENTS...]
#
# Prints masks against a C loop over libsodium, the table of SecureRounds for the sizes (its own list
# without any), and for 16 members and 1,000,000 numbers, in turns and three times each, what a member
# spends here and a client and the server spend there.
#
# FLOWER_PYTHON: a Python with flwr (1.41.0 or later); FLOWER_SECAGG: a program that runs Flower's own
# workflow and mod with everybody in one process and prints a JSON line a round, with client_s,
# server_s and stages_client_max_s. Without them the comparison is left out.
# SECURE_ROUNDS: the program, where it is built already.
set -euo pipefail
cd "$(dirname "$0")"
if [ -z "${SECURE_ROUNDS:-}" ]; then
    swift build -c release --product SecureRounds >&2
    SECURE_ROUNDS=$(swift build -c release --show-bin-path)/SecureRounds
fi
"$SECURE_ROUNDS" "$@"
[ -n "${FLOWER_PYTHON:-}" ] && [ -n "${FLOWER_SECAGG:-}" ] || exit 0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for _ in 1 2 3; do
    "$SECURE_ROUNDS" 16x1000000 | tail -n 1 >>"$folder/ours"
    PEER_BENCH_PATIENCE=${PEER_BENCH_PATIENCE:-0} "$FLOWER_PYTHON" "$FLOWER_SECAGG" \
        --mode protocol --clients 16 --floats 1000000 --rounds 1 --secagg 2>"$folder/err" \
        >>"$folder/theirs" || { cat "$folder/err" >&2; exit 1; }
done
echo
python3 - "$folder/ours" "$folder/theirs" <<'PY'
import json
import statistics
import sys

ours = [[float(cell) for cell in line.split("|")[8:11]] for line in open(sys.argv[1])]
theirs = [json.loads(line) for line in open(sys.argv[2]) if line.startswith("{")]
theirs = [line for line in theirs if line.get("kind") == "round"]
assert len(ours) == len(theirs) == 3 and all(line["ok"] for line in theirs), (ours, theirs)


def median(values):
    return statistics.median(values)


whole, masking, opening = (median(column) for column in zip(*ours))
client = median([line["client_s"]["median"] for line in theirs])
server = median([line["server_s"] for line in theirs])
stage = max(theirs[0]["stages_client_max_s"], key=theirs[0]["stages_client_max_s"].get)
mask = median([line["stages_client_max_s"][stage] for line in theirs])
print("16 members, 1,000,000 numbers, no dropouts; seconds, medians of three in turns")
print(f"| step | starling, CPU of a member | flwr {theirs[0]['version']} | ratio |")
print("|---|---|---|---|")
print(f"| mask and send | {masking:.4f} | {mask:.4f} (slowest client) | {mask / masking:.2f} |")
print(f"| take the masks off | {opening:.4f} | {server:.4f} (server) | {server / opening:.2f} |")
print(
    f"| whole round | {whole:.4f} | {client + server:.4f} (client {client:.4f} + server {server:.4f}) "
    f"| {(client + server) / whole:.2f} |"
)
PY
