#!/usr/bin/env bash
# Trains 200 steps here and with PyTorch + PEFT and compares the losses on held-out text.
#
#   Tests/interop/heldout_parity.sh MODEL.gguf TEXT.txt [--steps N] [--batch N] [--length N] ...
#
# STARLING_PYTHON  a Python with torch, transformers, peft, gguf, safetensors; python3 if unset
# STARLING         the program; built for release if unset
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?usage: heldout_parity.sh MODEL.gguf TEXT.txt [OPTION...]}
text=${2:?usage: heldout_parity.sh MODEL.gguf TEXT.txt [OPTION...]}
shift 2

if [[ -z ${STARLING:-} ]]; then
    (cd "$root" && swift build -c release --product starling >&2)
    STARLING=$(cd "$root" && swift build -c release --show-bin-path)/starling
fi

exec "${STARLING_PYTHON:-python3}" "$here/heldout_parity.py" \
    --starling "$STARLING" --gguf "$model" --data "$text" "$@"
