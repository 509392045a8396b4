#!/usr/bin/env bash
# Nodes that train different parts of one adapter, on a very small model: ranks 2, 4 and 8, a frozen
# half in 4 bits, LoRA beside READ; and one node that is killed again and again and still makes the
# same bytes. One digest on all, every audit passes, a joiner gets in.
cd "$(dirname "$0")"
. ./federation.sh
python3 tiny_model.py "$folder/tiny"
STARLING_TEST_MODEL=$folder/tiny
models=$folder/tiny

together() { # ROUND NAME...: all certify the round, hold one digest, and stop with an audit that passes
    local round=$1 name
    shift
    for name in "$@"; do await_round "$name" "$round" 60; done
    digest=$(same_digest "$@")
    for name in "$@"; do kill -TERM "${process[$name]}"; done
    for name in "$@"; do
        await_exit "$name" 30
        audit_passes "$name"
        [ "$(jq .sums "$folder/$name.audit.json")" -ge 1 ] || fail "$name checked no sum"
    done
}

again() { # the next federation in an empty folder
    find "$folder" -mindepth 1 -maxdepth 1 ! -name tiny -exec rm -rf {} +
}

# Ranks 2, 4 and 8 of 8 under the mean of products; the second trains the last layer alone. The rounds
# last long enough for one that joins to find some left.
init 30 60 --rank 8 --targets all --outer-momentum 0.3
start 0 "" --stay --rank 2
join=$(join_line ada)
start 1 "$join" --stay --rank 4 --layers last:1
start 2 "$join" --stay
await_round ada 2 60
start 3 "$join" --stay --rank 1
await_round dora 3 60
for _ in $(seq 150); do
    [ "$(status ada "participants | index(\"$(status dora peer_id)\")")" != null ] && break
    sleep 0.2
done
joined=$(sed -n 's/^round \([0-9]*\): trained on .*/\1/p' "$folder/dora.log" | head -n 1)
[ -n "$joined" ] || fail "dora trained in no round of 30"
[ "$(status ada aggregation)/$(status ada wire)" = spectral/int8 ] || fail "not the default"
[ "$(status bela trained_rank)/$(status bela trained_layers)" = 4/1 ] || fail "status: bela's part"
own=$(for name in ada bela cleo; do status "$name" own_round_bytes; done | sort -n | uniq | wc -l)
[ "$own" -eq 3 ] || fail "three ranks send updates of $own sizes"
together 30 ada bela cleo dora
echo "ranks 2, 4, 8 and a joiner of 1 in round $joined, spectral in int8: all hold $digest, audits pass"
again

# A frozen, 4 bits, and every correction that the manifest knows.
init 4 4 --rank 4 --aggregation ffa --wire int4 --proximal 0.01 --control-variates \
    --normalize-steps --outer-learning-rate 0.9
start 0 "" --stay --rank 2
join=$(join_line ada)
start 1 "$join" --stay
start 2 "$join" --stay --layers last:1
together 4 ada bela cleo
"$STARLING" export --home "$folder/ada" "$folder/ffa" >/dev/null
python3 - "$folder" <<'PY' || fail "FFA changed A, or not B"
"""A must be what the seed drew, so the same in two folders of one federation; B must not be 0."""
import json, pathlib, struct, sys

def tensors(folder):
    data = (pathlib.Path(folder) / "adapter_model.safetensors").read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + size])
    return {name: data[8 + size + start:8 + size + end]
            for name, entry in header.items() if name != "__metadata__"
            for start, end in [entry["data_offsets"]]}

found = tensors(sys.argv[1] + "/ffa")
bound = 1 / 32 ** 0.5
for name, values in found.items():
    numbers = struct.unpack(f"<{len(values) // 4}f", values)
    if "lora_B" in name:
        assert any(numbers), name
    else:
        assert all(abs(number) <= bound for number in numbers), name
PY
echo "FFA in int4 with FedProx, SCAFFOLD and FedNova: all hold $digest, audits pass"
again

# Two nodes train LoRA and two READ; the export has both, with one certificate.
init 5 4 --rank 4 --members 4 --with-read gru,16
start 0 "" --stay
join=$(join_line ada)
start 1 "$join" --stay --method read
start 2 "$join" --stay --rank 2
start 3 "$join" --stay --method read
await_round bela 1 60
[ "$(status bela method)" = read ] || fail "status: bela trains $(status bela method)"
together 5 ada bela cleo dora
for name in ada bela; do
    "$STARLING" export --home "$folder/$name" "$folder/$name.peft" --json >"$folder/export.json"
    [ "$(jq -r .read_folder "$folder/export.json")" = "$folder/$name.peft-read" ] \
        || fail "export: $(cat "$folder/export.json")"
    for kind in peft peft-read; do
        [ "$(jq -r .adapter_digest "$folder/$name.$kind/starling.json")" = "$digest" ] \
            || fail "$name.$kind has another certificate"
        "$STARLING" eval --model "$models" --adapter "$folder/$name.$kind" \
            --data "$folder/ada.txt" --length 32 --format json >"$folder/$name.$kind.json"
    done
done
"$STARLING" eval --model "$models" --data "$folder/ada.txt" --length 32 --format json \
    >"$folder/base.json"
for kind in peft peft-read; do
    cmp -s "$folder/ada.$kind.json" "$folder/bela.$kind.json" || fail "two exports of $kind differ"
    jq -e --slurpfile base "$folder/base.json" '.loss < $base[0].loss' "$folder/ada.$kind.json" \
        >/dev/null || fail "$kind does not help: $(cat "$folder/ada.$kind.json" "$folder/base.json")"
done
echo "two LoRA and two READ nodes: all hold $digest, audits pass, the export has both"
again

# A node of its own is killed at many moments: the same bytes as one that nothing stopped. Its
# feedback and control variate are in the store, so a kill must not change the next round.
lone=(10 40 --members 1 --rank 4 --length 160 --batch 4 --wire int4 --control-variates
    --outer-momentum 0.5)
init "${lone[@]}"
cp -r "$folder/ada" "$folder/kept"
start 0 "" --linger 0 --rank 3
await_exit ada 60
audit_passes ada
expected=$(status ada adapter_digest)
rm -rf "$folder/ada"
mv "$folder/kept" "$folder/ada"
kills=0
for _ in $(seq 30); do
    round=$(status ada round)
    [ "$round" -lt 10 ] || break
    start 0 "" --linger 0 --rank 3
    # In every other round somewhere in it, else somewhere in the next one.
    [ $((kills % 2)) -eq 0 ] || await_round ada $((round + 1)) 30
    sleep "0.$(printf '%03d' $((RANDOM % 500)))"
    kill -KILL "${process[ada]}" 2>/dev/null && kills=$((kills + 1))
    wait "${process[ada]}" 2>/dev/null || true
done
start 0 "" --linger 0 --rank 3
await_exit ada 60
audit_passes ada
[ "$(status ada adapter_digest)" = "$expected" ] \
    || fail "after $kills kills the adapter is $(status ada adapter_digest), not $expected"
[ "$kills" -ge 3 ] || fail "only $kills kills met a running node"
echo "kill -9 of a lone node $kills times: the adapter is the same, $expected"
