#!/usr/bin/env bash
# The commands as scripts use them: JSON keys, exit codes, and clear errors.
cd "$(dirname "$0")"
. ./federation.sh

expect() { # EXIT_CODE TEXT COMMAND...: ends with that code and says that text
    local code=$1 text=$2 status=0
    shift 2
    "$@" >"$folder/out" 2>"$folder/err" || status=$?
    [ "$status" -eq "$code" ] || fail "'$*' ended with $status, not $code: $(cat "$folder/err")"
    grep -qi -- "$text" "$folder/out" "$folder/err" || fail "'$*' does not say '$text': $(cat "$folder/err")"
}

model=$STARLING_TEST_MODEL
head -n 60 "$STARLING_TEST_PLAYS/othello_gut.txt" >"$folder/text.txt"

"$STARLING" generate --model "$model" --prompt 'The capital of France is' --max-tokens 2 \
    --top-logits 3 --format json >"$folder/generate.json"
jq -e '.prompt_token_ids == [504,3575,282,4649,314] and .token_ids[0] == 7042
    and (.text | startswith(" Paris")) and (.next_logits | length == 3)
    and (.next_logits[0][0] == 7042) and ((.next_logits[0][1] - 17.3713) | fabs < 0.01)' \
    "$folder/generate.json" >/dev/null || fail "generate: $(cat "$folder/generate.json")"

"$STARLING" train --model "$model" --data "$folder/text.txt" --steps 3 --batch-size 1 --length 32 \
    --rank 4 --targets q_proj,v_proj --seed 1 --output "$folder/adapter" --format json \
    >"$folder/train.json"
jq -se 'length == 4 and (.[0:3] | all(.step and .loss and .tokens_per_second and .gradient_norm))
    and (.[0:2] | all(.seconds_left >= 0)) and .[3].end == "all steps are done"
    and .[3].peak_memory_bytes > 0' "$folder/train.json" >/dev/null \
    || fail "train: $(cat "$folder/train.json")"

"$STARLING" eval --model "$model" --adapter "$folder/adapter" --data "$folder/text.txt" \
    --format json >"$folder/eval.json"
jq -e '.loss > 0 and .perplexity > 1 and .bits_per_byte > 0 and .tokens > 0' "$folder/eval.json" \
    >/dev/null || fail "eval: $(cat "$folder/eval.json")"

"$STARLING" export --adapter "$folder/adapter" --model "$model" --format gguf \
    --out "$folder/lora.gguf" --json >"$folder/export.json"
jq -e '.format == "gguf" and (.path | endswith("lora.gguf"))' "$folder/export.json" >/dev/null \
    || fail "export: $(cat "$folder/export.json")"
expect 14 'not overwritten' "$STARLING" export --adapter "$folder/adapter" --model "$model" \
    --format merged-gguf "$folder/lora.gguf"
expect 16 'safetensors' "$STARLING" export --adapter "$folder/adapter" --model "$model" \
    --format merged-safetensors --type q8_0 "$folder/merged"
expect 64 'model' "$STARLING" export --adapter "$folder/adapter" "$folder/again"

expect 10 'no/such/file' "$STARLING" eval --model no/such/file --data "$folder/text.txt"
head -c 1000 "$model" >"$folder/short.gguf"
expect 10 'short.gguf' "$STARLING" eval --model "$folder/short.gguf" --data "$folder/text.txt"
printf '{"text": 3}\n' >"$folder/bad.jsonl"
expect 13 'bad.jsonl:1' "$STARLING" eval --model "$model" --data "$folder/bad.jsonl"
expect 24 'starling init' "$STARLING" status --home "$folder/nobody"

# A node of another federation is refused by name, on both sides.
init 2 2
start 0 "" --stay
join=$(join_line ada)
"$STARLING" init --home "$folder/bela" --model "$model" --name other --rounds 1 --local-steps 1 \
    --batch 1 --length 32 --rank 4 --targets q_proj --members 2 >/dev/null
head -n 100 "$STARLING_TEST_PLAYS/henry_v_gut.txt" >"$folder/bela.txt"
expect 23 'manifest' "$STARLING" run --home "$folder/bela" --data "$folder/bela.txt" \
    --listen /ip4/127.0.0.1/tcp/0 --join "$join"
# A model of the store by its name, beside the running node.
"$STARLING" eval --model "$(basename "$model")" --home "$folder/ada" --data "$folder/text.txt" \
    --format json >"$folder/stored.json"
"$STARLING" eval --model "$model" --data "$folder/text.txt" --format json >"$folder/file.json"
cmp "$folder/stored.json" "$folder/file.json" || fail "the stored model gives another loss"
kill -TERM "${process[ada]}"
await_exit ada 30
echo "commands: JSON contract, exit codes and refusals hold"
