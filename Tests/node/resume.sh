#!/usr/bin/env bash
# kill -9 of a training run at many moments: started again each time it ends with the bytes of a run
# that nothing stopped. Then what the checkpoints of another run are refused for.
#
#   resume.sh [KILLS]     30 unless told otherwise
set -euo pipefail
cd "$(dirname "$0")"
: "${STARLING:?the starling binary}"
kills=${1:-30}

folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-resume.XXXXXX")
trap 'rm -rf "$folder"' EXIT

fail() {
    echo "FAILED: $*" >&2
    cat "$folder/err" >&2 || true
    exit 1
}

python3 tiny_model.py "$folder/model"
for number in $(seq 60); do
    printf '{"prompt": "Add %d and %d.", "completion": "The sum is %d."}\n' \
        "$number" $((number * 7)) $((number * 8))
done >"$folder/data.jsonl"

flags=(--model "$folder/model" --steps 500 --batch-size 4 --micro-batch-size 2 --length 160 --packing
    --dropout 0.1 --rank 16 --learning-rate 3e-3 --warmup 20 --schedule linear --seed 7 --threads 1
    --held-out 0.2 --evaluate-every 50 --patience 8 --log-every 100)
data=$folder/data.jsonl

train() { # OUTPUT [more flags]: a run with all that has a state
    local output=$1
    shift
    "$STARLING" train "${flags[@]}" --data "$data" --output "$output" "$@" \
        >"$folder/out" 2>"$folder/err"
}

train "$folder/whole" || fail "a run without checkpoints"

died=0
runs=0
checkpoint=(--checkpoint "$folder/state")
while :; do
    runs=$((runs + 1))
    [ "$runs" -le $((kills + 200)) ] || fail "no end after $runs starts"
    if [ "$died" -ge "$kills" ]; then
        train "$folder/parts" "${checkpoint[@]}" --checkpoint-every 1 || fail "start $runs"
        break
    fi
    "$STARLING" train "${flags[@]}" --data "$data" --output "$folder/parts" "${checkpoint[@]}" \
        --checkpoint-every 1 >"$folder/out" 2>"$folder/err" &
    id=$!
    # Anything from before the first checkpoint to some hundred of them later.
    sleep "0.$(printf '%03d' $((RANDOM % 500 + 20)))"
    kill -KILL "$id" 2>/dev/null || true
    status=0
    wait "$id" 2>/dev/null || status=$?
    if [ "$status" -eq 0 ]; then break; fi
    grep -q '^error' "$folder/err" && fail "start $runs"
    died=$((died + 1))
    # Killed before it made its folder, a run begins as new.
    if [ -d "$folder/state" ] && ls "$folder/state"/step-* >/dev/null 2>&1; then
        checkpoint=(--resume "$folder/state")
    fi
done
for file in adapter_config.json adapter_model.safetensors; do
    cmp "$folder/whole/$file" "$folder/parts/$file" || fail "$file differs after $died kills"
done
[ "$(find "$folder/state" -name '*.checkpoint' | wc -l)" -eq 2 ] || fail "more than two are kept"
[ "$(find "$folder/state" -name '.step-*' | wc -l)" -eq 0 ] || fail "half a file is left"
echo "kill -9 at $died moments: the same adapter, two checkpoints, nothing else"

# Asked to end, a run leaves a checkpoint of the very step, whatever the interval.
asked() { # NAME STEP END [flags]: SIGTERM after that step, resumed, ends as one that nobody asked
    local name=$1 after=$2 end=$3 step id
    shift 3
    train "$folder/$name" --format json "$@" || fail "$name: a run without checkpoints"
    tail -n 1 "$folder/out" >"$folder/$name.end"
    jq -e --arg wanted "$end" '.end == $wanted' "$folder/$name.end" >/dev/null || fail "$name: another end"
    rm -rf "$folder/parts"
    "$STARLING" train "${flags[@]}" --data "$data" --output "$folder/parts" --format json "$@" \
        --checkpoint "$folder/$name.state" --checkpoint-every 1000000 --log-every 1 \
        >"$folder/out" 2>"$folder/err" &
    id=$!
    for _ in $(seq 400); do
        ! grep -q "\"step\":$after," "$folder/out" || break
        sleep 0.02
    done
    kill -TERM "$id"
    wait "$id" || fail "$name: SIGTERM is not an end with 0"
    step=$(tail -n 1 "$folder/out" | jq -e 'select(.end == "interrupted").steps') \
        || fail "$name: no end is told"
    [ -e "$folder/$name.state/step-$(printf '%010d' "$step").checkpoint" ] \
        || fail "$name: no checkpoint of step $step"
    train "$folder/parts" --resume "$folder/$name.state" --format json "$@" \
        || fail "$name: resuming after SIGTERM"
    [ "$(tail -n 1 "$folder/out" | jq '[.end, .steps, .held_out]')" \
        = "$(jq '[.end, .steps, .held_out]' "$folder/$name.end")" ] || fail "$name: another end"
    cmp "$folder/$name/adapter_model.safetensors" "$folder/parts/adapter_model.safetensors" \
        || fail "$name: the adapter differs"
    echo "SIGTERM after step $step ($name): 0, and the same end and adapter"
}
asked finished 20 'all steps are done'
asked stopped 6 'held-out loss no longer falls' --learning-rate 0.5 --schedule constant \
    --evaluate-every 5 --patience 6

refused() { # TEXT [flags]: exit 17 and that text
    local text=$1 status=0
    shift
    train "$folder/parts" "$@" || status=$?
    [ "$status" -eq 17 ] || fail "ended with $status, not 17: $*"
    grep -q -- "$text" "$folder/err" || fail "does not say '$text': $*"
}
refused 'warm-up steps is 20 there and 30 here' --resume "$folder/state" --warmup 30
refused 'dropout is 0.1 there and 0.0 here' --resume "$folder/state" --dropout 0
refused 'first parameters is another' --resume "$folder/state" --rank 15
refused 'patience is 8 there and 9 here' --resume "$folder/state" --patience 9
refused 'go on with it by --resume' --checkpoint "$folder/state"
refused 'no such folder' --resume "$folder/nowhere"
head -n 59 "$folder/data.jsonl" >"$folder/fewer.jsonl"
data=$folder/fewer.jsonl
refused 'training data is another' --resume "$folder/state"
data=$folder/data.jsonl
printf 'x' | dd of="$folder/model/model.safetensors" bs=1 seek=100000 conv=notrunc status=none
refused 'base model is another' --resume "$folder/state"
echo "checkpoints of other settings, data and models are refused by name"
