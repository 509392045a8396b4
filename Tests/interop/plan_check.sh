#!/usr/bin/env bash
# Compares what `starling train --memory` predicts with the peak that the kernel measures, tier by
# tier, and fails where they differ by more than a tenth or a process leaves its budget.
#
#   Tests/interop/plan_check.sh MODEL.gguf TEXT.txt [--only PATTERN]
#
# STARLING  the program; built for release if unset
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?usage: plan_check.sh MODEL.gguf TEXT.txt [--only PATTERN]}
text=${2:?usage: plan_check.sh MODEL.gguf TEXT.txt [--only PATTERN]}
only=${4:-.}
if [[ -z ${STARLING:-} ]]; then
    (cd "$root" && swift build -c release --product starling >&2)
    STARLING=$(cd "$root" && swift build -c release --show-bin-path)/starling
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-plan.XXXXXX")
trap 'rm -rf "$folder"' EXIT

failed=0
printf '%-9s %-62s %9s %9s %6s %9s\n' budget plan predicted measured ratio budget
check() { # BUDGET [more options]
    local budget=$1 ratio
    shift
    grep -qE "$only" <<<"$budget $*" || return 0
    rm -rf "$folder/adapter"
    if ! /usr/bin/time -v "$STARLING" train --memory "$budget" --model "$model" --data "$text" \
        --output "$folder/adapter" --steps 3 --batch-size 2 --format json "$@" \
        >"$folder/out" 2>"$folder/err"; then
        cat "$folder/err" >&2
        failed=1
        return 0
    fi
    local plan predicted measured bytes
    plan=$(sed -n 's/^plan: \(.*\); .* predicted$/\1/p' "$folder/err" | tail -n 1)
    predicted=$(tail -n 1 "$folder/out" | jq .predicted_memory_bytes)
    measured=$(($(sed -n 's/.*Maximum resident set size (kbytes): //p' "$folder/err") * 1024))
    bytes=$("$STARLING" plan --memory "$budget" --model "$model" --format json | jq -s '.[0].budget_bytes')
    ratio=$(awk -v m="$measured" -v p="$predicted" 'BEGIN { printf "%.3f", m / p }')
    printf '%-9s %-62s %9d %9d %6s %9d\n' "$budget" "$plan" "$predicted" "$measured" "$ratio" "$bytes"
    awk -v r="$ratio" 'BEGIN { exit !(r >= 0.9 && r <= 1.1) }' || failed=1
    [ "$measured" -le "$bytes" ] || failed=1
}

check 2GB --length 256
check 2GB --length 512
check 600MB --length 512
check 450MB --length 512
check 400MB --length 512
check 330MB --length 512
check 270MB --length 512
check 250MB --length 512
check 230MB --length 512
check 200MB --length 512
check 200MB --length 128
check 160MB --length 256
check 130MB --length 256
check 110MB --length 256
check 90MB --length 128
check 300MB --length 256 --optimizer mezo
check 110MB --length 256 --optimizer mezo
check 2GB --length 512 --optimizer mezo
check 300MB --length 512 --method read
check 2GB --length 512 --method read
exit $failed
