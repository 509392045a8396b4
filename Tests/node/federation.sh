# Functions to run a small federation of real processes on loopback; sourced by the node tests.
# Needs STARLING (the binary), STARLING_TEST_MODEL, STARLING_TEST_PLAYS. Every wait is bounded.
set -Eeuo pipefail
failed_at=
trap 'failed_at="${BASH_SOURCE[0]##*/}, line $LINENO: $BASH_COMMAND"' ERR
: "${STARLING:?the starling binary}" "${STARLING_TEST_MODEL:?}" "${STARLING_TEST_PLAYS:?}"

folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-node.XXXXXX")
declare -A process=()
plays=(macbeth midsummer_nights_dream henry_v othello)
names=(ada bela cleo dora)

fail() {
    echo "FAILED: $*" >&2
    for name in "${!process[@]}"; do
        echo "--- $name" >&2
        tail -n 15 "$folder/$name.log" "$folder/$name.err" >&2 || true
    done
    exit 1
}

end_all() {
    local status=$?
    [ "$status" -eq 0 ] || [ -z "$failed_at" ] || echo "FAILED: status $status, $failed_at" >&2
    for id in "${process[@]}"; do kill -KILL "$id" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap end_all EXIT

init() { # ROUNDS STEPS [more flags of init]
    local rounds=$1 steps=$2
    shift 2
    "$STARLING" init --home "$folder/${names[0]}" --model "$STARLING_TEST_MODEL" --name test \
        --rounds "$rounds" --local-steps "$steps" --batch 1 --length 32 --rank 4 \
        --targets q_proj,v_proj --members 3 --format json "$@" >"$folder/init.json"
}

start() { # INDEX [JOIN LINE] [more flags of run]
    local name=${names[$1]} play=${plays[$1]}
    local join=${2:-}
    shift $(($# > 1 ? 2 : 1))
    head -n 400 "$STARLING_TEST_PLAYS/${play}_gut.txt" >"$folder/$name.txt"
    "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --listen /ip4/127.0.0.1/tcp/0 --threads 1 ${join:+--join "$join"} "$@" \
        >>"$folder/$name.log" 2>>"$folder/$name.err" &
    process[$name]=$!
}

join_line() { # NAME -> the newest join line
    for _ in $(seq 300); do
        local line
        line=$(sed -n 's/^join: *//p' "$folder/$1.log" 2>/dev/null | tail -n 1)
        [ -n "$line" ] && { echo "$line"; return; }
        kill -0 "${process[$1]}" 2>/dev/null || fail "$1 ended before it listened"
        sleep 0.1
    done
    fail "$1 printed no join line within 30 s"
}

status() { # NAME FIELD
    "$STARLING" status --home "$folder/$1" --format json | jq -r ".$2"
}

await() { # SECONDS WHAT COMMAND...: until the command ends with 0
    local seconds=$1 what=$2
    shift 2
    for _ in $(seq $((seconds * 5))); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    fail "within $seconds s not: $what"
}

peers() { # NAME JQ_FILTER
    "$STARLING" peers list --home "$folder/$1" --format json | jq -e "$2"
}

await_round() { # NAME ROUND SECONDS: until that round is certified on the node
    for _ in $(seq $(($3 * 5))); do
        [ "$(status "$1" round 2>/dev/null || echo 0)" -ge "$2" ] && return
        sleep 0.2
    done
    fail "$1 did not reach round $2 within $3 s"
}

await_exit() { # NAME SECONDS: the process must end with 0
    local id=${process[$1]}
    for _ in $(seq $(($2 * 5))); do
        kill -0 "$id" 2>/dev/null || {
            wait "$id" || fail "$1 ended with status $?"
            unset "process[$1]"
            return 0
        }
        sleep 0.2
    done
    fail "$1 did not end within $2 s"
}

same_digest() { # NAME...
    local digests
    digests=$(for name in "$@"; do status "$name" adapter_digest; done | sort -u)
    [ "$(wc -l <<<"$digests")" -eq 1 ] || fail "the adapters differ: $digests"
    [ "$digests" != null ] && [ -n "$digests" ] || fail "no adapter digest"
    echo "$digests"
}

audit_passes() { # NAME
    "$STARLING" audit --home "$folder/$1" --format json >"$folder/$1.audit.json" \
        || fail "the audit of $1 fails: $(cat "$folder/$1.audit.json")"
    [ "$(jq -r .ok "$folder/$1.audit.json")" = true ] || fail "the audit of $1 is not ok"
}
