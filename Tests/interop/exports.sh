#!/usr/bin/env bash
# Exports a LoRA adapter in every format and compares what other programs compute with it.
#
#   Tests/interop/exports.sh MODEL.gguf TEXT.txt
#
# STARLING_PYTHON  a Python with torch, transformers, peft, gguf, safetensors, llama-cpp-python;
#                  python3 if unset
# STARLING         the program; built for release if unset
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?usage: exports.sh MODEL.gguf TEXT.txt}
text=${2:?usage: exports.sh MODEL.gguf TEXT.txt}
python=${STARLING_PYTHON:-python3}

if [[ -z ${STARLING:-} ]]; then
    (cd "$root" && swift build -c release --product starling >&2)
    STARLING=$(cd "$root" && swift build -c release --show-bin-path)/starling
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$STARLING" train --model "$model" --data "$text" --output "$work/adapter" \
    --steps 12 --batch 2 --length 64 --rank 8 --alpha 16 --learning-rate 4e-3 --seed 3 \
    --format json >&2
"$python" "$here/exports.py" --starling "$STARLING" --gguf "$model" --adapter "$work/adapter" \
    --work "$work"
