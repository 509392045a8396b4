#!/usr/bin/env bash
# The main job on one machine: three nodes, each with a play of its own, fine-tune one adapter of
# SmolLM2-135M together over encrypted TCP, agree on it, export it, and audit their logs.
#
#   peers/demo.sh            sets up all it needs; the last line is one JSON object
#
# Settings (environment): STARLING_DEMO (folder, default peers/.demo), ROUNDS, LOCAL_STEPS, BATCH,
# LENGTH, RANK, STARLING (a built binary; built from here by default).
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=setup.sh
. peers/setup.sh
starling_setup

rounds=${ROUNDS:-5} steps=${LOCAL_STEPS:-8} batch=${BATCH:-4} length=${LENGTH:-64}
rank=${RANK:-8} rate=${LEARNING_RATE:-0.001}
plays=(macbeth midsummer_nights_dream henry_v)
names=(ada bela cleo)

trap 'echo "starling: the demonstration failed at line $LINENO of peers/demo.sh" >&2' ERR

say() { printf '%s\n' "$*" >&2; }

cache=${STARLING_CACHE:-$PWD/.build/starling}
peers/fetch.sh "$cache"
model=$cache/SmolLM2-135M-Instruct.Q4_1.gguf

starling=${STARLING:-}
if [ -z "$starling" ]; then
    say "building starling (the first build takes some minutes)"
    swift build -c release --product starling >&2
    starling=$(swift build -c release --show-bin-path)/starling
fi

demo=${STARLING_DEMO:-$PWD/peers/.demo}
rm -rf "$demo"
mkdir -p "$demo"
began=$SECONDS

# Nodes are ended by their ids, whatever happens here.
nodes=()
finish() {
    for node in "${nodes[@]}"; do kill "$node" 2>/dev/null || true; done
    wait 2>/dev/null || true
}
trap finish EXIT

# Each play: the first nine tenths to train on; of the rest 200 lines are held out.
for play in "${plays[@]}"; do
    text=$cache/plays/${play}_gut.txt
    lines=$(wc -l <"$text")
    head -n $((lines * 9 / 10)) "$text" >"$demo/$play.train.txt"
    first=$((lines * 9 / 10 + 1))
    sed -n "$first,$((first + 199))p" "$text" >"$demo/$play.held-out.txt"
done

score() { # PLAY [ADAPTER] -> nats per token
    "$starling" eval --model "$model" ${2:+--adapter "$2"} \
        --data "$demo/$1.held-out.txt" --length 256 --format json | jq -r .loss
}

say "held-out loss of the base model"
declare -A before local_only federated
for play in "${plays[@]}"; do before[$play]=$(score "$play"); done

say "federation: ${#plays[@]} nodes, $rounds rounds of $steps steps of $batch x $length tokens"
"$starling" init --home "$demo/${names[0]}" --model "$model" --name demo \
    --rounds "$rounds" --local-steps "$steps" --batch "$batch" --length "$length" \
    --rank "$rank" --targets all --learning-rate "$rate" --members "${#plays[@]}" \
    --format json >"$demo/init.json"

start() { # INDEX [JOIN LINE]
    local name=${names[$1]} play=${plays[$1]}
    "$starling" run --home "$demo/$name" --data "$demo/$play.train.txt" --held-out 0 \
        --listen /ip4/127.0.0.1/tcp/0 --threads 1 ${2:+--join "$2"} \
        >"$demo/$name.log" 2>"$demo/$name.err" &
    nodes+=($!)
}

start 0
for _ in $(seq 600); do
    join=$(sed -n 's/^join: *//p' "$demo/${names[0]}.log" | head -n 1)
    [ -n "$join" ] && break
    kill -0 "${nodes[0]}" 2>/dev/null || break
    sleep 0.1
done
[ -n "$join" ] || { say "the first node did not start:"; cat "$demo/${names[0]}.err" >&2; exit 1; }
say "join line: $join"
for index in 1 2; do start "$index" "$join"; done

for index in 0 1 2; do
    wait "${nodes[$index]}" || {
        say "${names[$index]} failed:"
        tail -n 20 "$demo/${names[$index]}.err" "$demo/${names[$index]}.log" >&2
        exit 1
    }
done
nodes=()
say "federation finished after $((SECONDS - began)) s"

digests=() audits=()
for name in "${names[@]}"; do
    digests+=("$("$starling" status --home "$demo/$name" --format json | jq -r .adapter_digest)")
    if "$starling" audit --home "$demo/$name" --format json >"$demo/$name.audit.json"; then
        audits+=(true)
    else
        audits+=(false)
    fi
done
"$starling" export --home "$demo/${names[0]}" --format peft "$demo/adapter" >&2

say "local only: the same number of steps on each play alone"
for play in "${plays[@]}"; do
    "$starling" train --model "$model" --data "$demo/$play.train.txt" --held-out 0 \
        --steps $((rounds * steps)) --batch "$batch" --length "$length" --rank "$rank" \
        --targets all --learning-rate "$rate" --seed 1 --output "$demo/$play.local" \
        --format json >"$demo/$play.train.json"
    local_only[$play]=$(score "$play" "$demo/$play.local")
    federated[$play]=$(score "$play" "$demo/adapter")
done

say ""
say "$(printf '%-24s %10s %10s %10s' 'held-out loss (nats)' before local federated)"
for play in "${plays[@]}"; do
    say "$(printf '%-24s %10.4f %10.4f %10.4f' "$play" \
        "${before[$play]}" "${local_only[$play]}" "${federated[$play]}")"
done
say ""
for index in 0 1 2; do
    say "$(printf '%-6s adapter %s  audit %s' "${names[$index]}" "${digests[$index]}" "${audits[$index]}")"
done
say "PEFT folder: $demo/adapter"
say "all in $((SECONDS - began)) s"

held_out=$(for play in "${plays[@]}"; do
    jq -nc --arg play "$play" --argjson before "${before[$play]}" \
        --argjson local "${local_only[$play]}" --argjson federated "${federated[$play]}" \
        '{($play): {before: $before, local: $local, federated: $federated}}'
done | jq -sc add)
jq -nc --argjson held_out "$held_out" \
    --argjson digests "$(printf '%s\n' "${digests[@]}" | jq -R . | jq -sc .)" \
    --argjson audits "$(printf '%s\n' "${audits[@]}" | jq -sc .)" \
    '{digests: $digests, audits: $audits, held_out: $held_out}'

[ "$(printf '%s\n' "${digests[@]}" | sort -u | wc -l)" -eq 1 ] || exit 1
for audit in "${audits[@]}"; do [ "$audit" = true ] || exit 1; done
