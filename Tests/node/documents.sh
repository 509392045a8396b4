#!/usr/bin/env bash
# Runs every command of the first part of docs/training.md as it stands there, on a very small model.
set -euo pipefail
cd "$(dirname "$0")"
: "${STARLING:?the starling binary}"

folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-documents.XXXXXX")
trap 'rm -rf "$folder"' EXIT
page=$(realpath ../../docs/training.md)
mkdir "$folder/bin" "$folder/work"
ln -s "$(realpath "$STARLING")" "$folder/bin/starling"
PATH=$folder/bin:$PATH
python3 tiny_model.py "$folder/model"
export MODEL=$folder/model

cd "$folder/work"
for number in $(seq 200); do
    echo "Note $number: the sum of $number and $((number * 7)) is $((number * 8))." >>notes.txt
    printf '{"prompt": "Add %d and %d.", "completion": "The sum is %d."}\n' \
        "$number" $((number * 7)) $((number * 8)) >>questions.jsonl
done

awk '/^# What the options mean/ { exit } /^```sh/ { inside = 1; next } /^```/ { inside = 0 } inside' \
    "$page" >commands
[ "$(wc -l <commands)" -ge 15 ] || { echo "FAILED: $page has no commands" >&2; exit 1; }
while read -r line; do
    bash -euc "$line" >out 2>err </dev/null || {
        echo "FAILED: $line: $(cat err)" >&2
        exit 1
    }
done <commands

for adapter in adapter answers both prefix packed less long further; do
    [ -s "$adapter/adapter_model.safetensors" ] || { echo "FAILED: no $adapter" >&2; exit 1; }
done
[ -s adapter.gguf ] && [ -s merged/model.safetensors ] || { echo "FAILED: no export" >&2; exit 1; }
cmp -s answers/adapter_model.safetensors both/adapter_model.safetensors \
    && { echo "FAILED: --loss-on changes nothing" >&2; exit 1; }
echo "documents: $(wc -l <commands) commands of docs/training.md run as they stand there"
