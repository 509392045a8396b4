#!/usr/bin/env bash
# Whether the program behind docs/results.md still works: every kind of arm on a model of two layers,
# with three nodes and two rounds. Takes seconds once it is built.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${TRIALS:-}" ]; then
    swift build --package-path Tests/results
    TRIALS=$(swift build --package-path Tests/results --show-bin-path)/trials
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 Tests/node/tiny_model.py "$work/model"
mkdir "$work/text" "$work/plays" "$work/records"
python3 - "$work" <<'PY'
import pathlib
import random
import sys

work = pathlib.Path(sys.argv[1])
words = [["red", "blue", "green"], ["one", "two", "three"], ["up", "down", "left"]]
for node, own in enumerate(words):
    draw = random.Random(node)
    for part, count in (("train", 900), ("heldout", 200)):
        text = " ".join(draw.choice(own) for _ in range(count))
        (work / "text" / f"{node:02}.{part}.txt").write_text(text)
for play in ("macbeth", "hamlet", "othello"):
    draw = random.Random(play)
    text = " ".join(draw.choice(sum(words, [])) for _ in range(30_000))
    (work / "plays" / f"{play}_gut.txt").write_text(text)
PY

arm() { # NAME OPTIONS...
    local name=$1
    shift
    "$TRIALS" text --model "$work/model" --data "$work/text" --dataset tiny --data-version 0 \
        --arm "$name" --rounds 2 --steps 10 --length 64 --rank 4 --learning-rate 1e-2 \
        --held-out-rows 4 --output "$work/records/tiny-$name.json" "$@" 2>>"$work/log" \
        || { cat "$work/log" >&2; exit 1; }
}
arm base --kind base
arm local --kind local
arm pooled --kind pooled
arm sequential --kind sequential
for rule in spectral factor-mean ffa rolora hetlora; do
    arm "$rule" --kind federation --aggregator "$rule"
done
arm spectral-int4 --kind federation --wire int4
arm spectral-ring32 --kind federation --wire ring32
arm spectral-tiers --kind federation --tier all:2 --tier 1:4 --tier all:4
arm spectral-corrected --kind federation --proximal 0.01 --control-variates
arm spectral-norms --kind federation --keep-input-norms
arm spectral-again --kind federation --aggregator spectral
for method in "lora --last-layers 1" "read --hidden 8 --cell lstm --aggregate mean"; do
    # shellcheck disable=SC2086
    "$TRIALS" recipe --model "$work/model" --plays "$work/plays" --method $method --steps 6 \
        --learning-rate 1e-2 --output "$work/records/plays-${method%% *}.json" 2>>"$work/log" \
        || { cat "$work/log" >&2; exit 1; }
done

python3 - "$work/records" <<'PY'
import json
import pathlib
import sys

records = {path.stem: json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).iterdir()}


def mean(name):
    nodes = records["tiny-" + name]["nodes"]
    return sum(node["bits_per_byte"] for node in nodes) / len(nodes)


def sent(name):
    return records["tiny-" + name]["rounds"][-1]["update_byte_count"]


for name in (stem.removeprefix("tiny-") for stem in records if stem.startswith("tiny-")):
    if name != "base":
        assert mean(name) < mean("base"), f"{name}: {mean(name)} is no better than {mean('base')}"
        tokens = records["tiny-" + name]["trained_token_count"]
        assert tokens == records["tiny-local"]["trained_token_count"], f"{name} saw {tokens} tokens"
for name, again in zip(records["tiny-spectral"]["nodes"], records["tiny-spectral-again"]["nodes"]):
    assert name["bits_per_byte"] == again["bits_per_byte"], "the same arm twice differs"
assert sent("spectral-int4") < sent("spectral") < sent("spectral-ring32"), "wire forms"
assert sent("ffa") < sent("factor-mean"), "FFA sends half"
tiers = [node["update_byte_count"] for node in records["tiny-spectral-tiers"]["nodes"]]
assert max(tiers[:2]) < tiers[2], f"tiers send {tiers}"
for name in ("plays-lora", "plays-read"):
    run = records[name]["runs"][0]
    assert len(run["training_losses"]) == 6 and run["validation_loss"] > 0, name
print(f"results: {len(records)} arms on a model of two layers")
PY
