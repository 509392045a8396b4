#!/usr/bin/env bash
# Compares training and export with PyTorch + PEFT.
#
#   Tests/interop/train_parity.sh MODEL.gguf TEXT.txt
#
# STARLING_PYTHON  a Python with torch, transformers, peft, gguf, safetensors; python3 if unset
# STARLING         the program; built for release if unset
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?usage: train_parity.sh MODEL.gguf TEXT.txt}
text=${2:?usage: train_parity.sh MODEL.gguf TEXT.txt}
python=${STARLING_PYTHON:-python3}

if [[ -z ${STARLING:-} ]]; then
    (cd "$root" && swift build -c release --product starling >&2)
    STARLING=$(cd "$root" && swift build -c release --show-bin-path)/starling
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$python" "$here/train_parity.py" --starling "$STARLING" --gguf "$model" --data "$text"

head -c 12000 "$text" | iconv -c -f UTF-8 -t UTF-8 >"$work/short.txt"
"$STARLING" train --model "$model" --data "$text" --output "$work/adapter" \
    --steps 5 --batch 2 --length 64 --seed 2 --compute f32 --base f32 \
    --format json >&2
"$python" "$here/peft_load.py" --starling "$STARLING" --gguf "$model" \
    --adapter "$work/adapter" --data "$work/short.txt"
