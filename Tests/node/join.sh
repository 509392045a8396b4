#!/usr/bin/env bash
# A fourth node with an empty store and nothing but the join line joins a federation that runs: it
# fetches tokenizer and shards, trains within a minute of its start, and is in a certified round. A
# fifth with too little memory to train takes part as a relay: no shard of the model reaches it.
cd "$(dirname "$0")"
. ./federation.sh

names+=(emil)
plays+=(hamlet)

await_line() { # NAME PATTERN SECONDS: until the node has printed it
    for _ in $(seq $(($3 * 10))); do
        grep -qE "$2" "$folder/$1.log" "$folder/$1.err" 2>/dev/null && return
        kill -0 "${process[$1]}" 2>/dev/null || fail "$1 ended"
        sleep 0.1
    done
    fail "$1 did not print '$2' within $3 s"
}

model_bytes() { # NAME -> what its store of models takes on disk
    du -sB1 "$folder/$1/models" | cut -f 1
}

init 200 2 --members 3
start 0 "" --stay
join=$(join_line ada)
start 1 "$join" --stay
start 2 "$join" --stay
await_round ada 1 120

# From the start of the process to the first update that it has trained.
began=$(date +%s%N)
start 3 "$join" --stay
await_line dora 'update of [0-9]+ KiB is ready' 60
seconds=$(awk -v a="$began" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }')
trained=$(sed -n 's/^round \([0-9]*\): trained on .*/\1/p' "$folder/dora.log" | head -n 1)
key=$(status dora peer_id)
for _ in $(seq 150); do
    place=$(status ada "participants | index(\"$key\")")
    [ "$place" != null ] && break
    sleep 0.2
done
[ "$place" != null ] || fail "$key is in no certified round"
counted=$(status ada round)
[ "$(model_bytes dora)" -gt 80000000 ] || fail "dora has no model"

# Too little memory for any training.
start 4 "$join" --stay --memory 80MB
round=$counted
await_line emil 'plan: relay' 60
await_round emil $((round + 3)) 60
[ "$(model_bytes emil)" -lt 1000000 ] || fail "a relay holds $(model_bytes emil) bytes of the model"
[ "$(status emil method)" = none ] || fail "a relay trains $(status emil method)"
echo "a joiner with an empty store: trained in round $trained after $seconds s, counted by round $counted"
echo "a relay: at round $(status emil round) with $(model_bytes emil) bytes of the model"
