#!/usr/bin/env bash
# Runs every arm of docs/results.md whose record is not in docs/results yet, and writes the page's
# tables after each. It may be killed at any time: it goes on with the arms that are missing.
#
#   Tests/results/run.sh             all arms, in the order of the list below
#   Tests/results/run.sh PATTERN...  those whose name holds a pattern, as in chitchat-spectral
#   Tests/results/run.sh --list      the names
#   Tests/results/run.sh --tables    the tables alone
#
#   RESULTS_JOBS=2     arms at the same time (1)
#   RESULTS_THREADS=1  threads of an arm (1); more are no faster where arms run side by side
#   STARLING_CACHE     where model, plays and texts are kept (.build/starling)
#   TRIALS             the program, where it is built already
set -euo pipefail
cd "$(dirname "$0")/../.."
records=docs/results

# NAME, then the options of `trials`. Equal steps: 16 nodes, 4 rounds of 6 steps of 128 tokens.
arms() {
    local steps="--rounds 4 --steps 6 --length 128" federation="--kind federation --aggregator"
    local text="text --dataset chitchat --held-out-rows 16 $steps"
    cat <<LIST
chitchat-base $text --kind base
chitchat-local $text --kind local
chitchat-spectral-int8 $text $federation spectral
chitchat-pooled $text --kind pooled
chitchat-factor-mean $text $federation factor-mean
chitchat-spectral-lr3e-3 $text $federation spectral --learning-rate 3e-3
chitchat-local-lr3e-3 $text --kind local --learning-rate 3e-3
chitchat-spectral-lr3e-3-outer2 $text $federation spectral --learning-rate 3e-3 --outer-rate 2
chitchat-spectral-outer2 $text $federation spectral --outer-rate 2
chitchat-spectral-norms $text $federation spectral --keep-input-norms
chitchat-spectral-tiers $text $federation spectral --tier 3:8 --tier 8:4 --tier all:8
chitchat-spectral-int4 $text $federation spectral --wire int4
chitchat-pooled-lr3e-3 $text --kind pooled --learning-rate 3e-3
chitchat-spectral-ring32 $text $federation spectral --wire ring32
chitchat-rolora $text $federation rolora
chitchat-ffa $text $federation ffa
chitchat-hetlora $text $federation hetlora
LIST
    local read="recipe --method read --learning-rate 5e-4 --learning-rate 1e-3 --learning-rate 3e-3"
    read="$read --learning-rate 5e-3 --learning-rate 1e-2 --learning-rate 2e-2"
    local lora="recipe --method lora --learning-rate 1e-3 --learning-rate 3e-3"
    cat <<LIST
plays-lora-all-r8 $lora
plays-lora-last6-r8 $lora --last-layers 6
plays-lora-last3-r16 $lora --last-layers 3 --rank 16
plays-lora-last1-r16 $lora --last-layers 1 --rank 16
plays-read-gru-256-last $read
plays-read-gru-256-mean $read --aggregate mean
plays-read-gru-64-last $read --hidden 64
plays-read-gru-64-mean $read --hidden 64 --aggregate mean
plays-read-lstm-256-last $read --cell lstm
plays-read-rnn-256-last $read --cell rnn
plays-read-lstm-256-mean $read --cell lstm --aggregate mean
plays-read-rnn-256-mean $read --cell rnn --aggregate mean
plays-read-lstm-64-last $read --cell lstm --hidden 64
plays-read-rnn-64-last $read --cell rnn --hidden 64
plays-read-lstm-64-mean $read --cell lstm --hidden 64 --aggregate mean
plays-read-rnn-64-mean $read --cell rnn --hidden 64 --aggregate mean
LIST
    text="text --dataset fortunes --held-out-rows 16 $steps"
    cat <<LIST
fortunes-base $text --kind base
fortunes-local $text --kind local
fortunes-spectral-int8 $text $federation spectral
fortunes-pooled $text --kind pooled
fortunes-factor-mean $text $federation factor-mean
fortunes-local-lr3e-3 $text --kind local --learning-rate 3e-3
fortunes-spectral-lr3e-3-outer2 $text $federation spectral --learning-rate 3e-3 --outer-rate 2
LIST
}

version() { # DATASET
    case $1 in
    chitchat) echo "chitchat-dataset 0.9.0 (PyPI)" ;;
    fortunes) echo "fortunes 1:1.99.1-7.3, -de 0.35-1, -ru 1.52-3.1, -zh 2.98 (Debian)" ;;
    esac
}

run_arm() { # NAME OPTIONS...
    local name=$1 dataset=${1%%-*}
    shift
    [ -f "$records/$name.json" ] && return
    echo "== $name" >&2
    if [ "$dataset" = plays ]; then
        set -- "$@" --plays "$cache/plays"
    else
        set -- "$@" --data "$cache/$dataset" --arm "${name#*-}" --data-version "$(version "$dataset")"
    fi
    "$TRIALS" "$@" --model "$cache/SmolLM2-135M-Instruct.Q4_1.gguf" \
        --threads "${RESULTS_THREADS:-1}" --output "$records/$name.json" \
        || { echo "results: $name failed" >&2 && return; }
    flock "$records" Tests/results/run.sh --tables
}

wanted() { # PATTERN...
    local name rest pattern
    while read -r name rest; do
        [ -f "$records/$name.json" ] && continue
        for pattern in "${@:-}"; do
            if [[ $name == *"$pattern"* ]]; then
                printf '%s %s\n' "$name" "$rest"
                break
            fi
        done
    done < <(arms)
}

case ${1:-} in
--list) arms | cut -d' ' -f1 && exit ;;
--tables) python3 Tests/results/tables.py "$records" docs/results.md <(arms) && exit ;;
--arm) shift && run_arm "$@" && exit ;;
esac

cache=${STARLING_CACHE:-$PWD/.build/starling}
mkdir -p "$records"
peers/fetch.sh "$cache"
Tests/results/fetch.sh "$cache" chitchat fortunes
if [ -z "${TRIALS:-}" ]; then
    swift build -c release --package-path Tests/results
    TRIALS=$(swift build -c release --package-path Tests/results --show-bin-path)/trials
fi
export TRIALS cache
list=$(wanted "$@")
[ -n "$list" ] || exec Tests/results/run.sh --tables
exec xargs -r -d '\n' -P "${RESULTS_JOBS:-1}" -I{} bash -c 'Tests/results/run.sh --arm {}' <<<"$list"
