#!/usr/bin/env bash
# Measures speed and memory of training beside PyTorch + PEFT, and of the forward pass beside
# llama.cpp where llama_cpp can be imported. Run it on a quiet machine.
#
#   Tests/interop/bench.sh MODEL.gguf [--list] [--rows PATTERNS] [--pairs N] [--steps N] [--compiled] ...
#
# STARLING_PYTHON  a Python with torch, transformers, peft, gguf; python3 if unset
# STARLING         the program; built for release if unset
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
model=${1:?usage: bench.sh MODEL.gguf [OPTION...]}
shift

if [[ -z ${STARLING:-} ]]; then
    (cd "$root" && swift build -c release --product starling >&2)
    STARLING=$(cd "$root" && swift build -c release --show-bin-path)/starling
fi

exec "${STARLING_PYTHON:-python3}" "$here/bench.py" --starling "$STARLING" --gguf "$model" "$@"
