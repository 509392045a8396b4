#!/usr/bin/env bash
# Fuzzes each decoder of bytes from outside, guided by coverage, and fails if one crashes, hangs or
# takes too much memory.
#
#   Tests/fuzz/run.sh [--seconds SECONDS] [TARGET...]     600 seconds each, all targets
#
# Targets that read files: gguf, safetensors, tokenizer, config, jsonl, peerlist. Targets that read what
# peers send: announcement, and those in Sources/PeerFuzzer/PeerDecoder.swift. A finding is kept as
# corpus/TARGET/crash-*, so that every later run begins with it; what was new in a run is kept below
# .build/corpus and used again by the next. Needs a Swift toolchain with libFuzzer, as the one from
# swift.org for Linux is.
set -euo pipefail
cd "$(dirname "$0")"
seconds=600
if [ "${1:-}" = --seconds ]; then
    seconds=${2:?a number of seconds}
    shift 2
fi
files=(gguf safetensors tokenizer config jsonl peerlist announcement)
mapfile -t peers < <(sed -n 's/^    "\([a-z-]*\)": .*\.self,$/\1/p' Sources/PeerFuzzer/PeerDecoder.swift)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=("${peers[@]}" "${files[@]}")

declare -A fuzzers=()
for target in "${targets[@]}"; do
    case " ${files[*]} " in
        *" $target "*) fuzzers[$target]=ReaderFuzzer ;;
        *) fuzzers[$target]=PeerFuzzer ;;
    esac
done
options=(-c release --sanitize fuzzer -Xswiftc -enable-testing)
for product in $(printf '%s\n' "${fuzzers[@]}" | sort -u); do
    [ -n "${SKIP_BUILD:-}" ] || swift build "${options[@]}" --product "$product"
done
folder=$(swift build "${options[@]}" --show-bin-path)
# The backtrace of a trap takes a second, and libFuzzer prints its own.
export SWIFT_BACKTRACE=enable=no

failed=()
for target in "${targets[@]}"; do
    echo "-- $target: $seconds s"
    grown=.build/corpus/$target
    log=.build/$target.log
    mkdir -p "$grown" "corpus/$target"
    fuzzer=$folder/${fuzzers[$target]}
    export STARLING_FUZZ_READER=$target
    dictionary=(-dict=json.dict)
    [ "$target" != gguf ] || dictionary=(-dict=gguf.dict)
    if [ "${fuzzers[$target]}" = PeerFuzzer ]; then
        dictionary=()
        # The first inputs, from the writers of the same format.
        STARLING_FUZZ_SEEDS=$grown "$fuzzer"
    fi
    status=0
    "$fuzzer" "$grown" "corpus/$target" "${dictionary[@]}" -max_len=8192 -timeout=10 \
        -rss_limit_mb=2048 -max_total_time="$seconds" \
        -artifact_prefix="corpus/$target/" -print_final_stats=1 >"$log" 2>&1 || status=$?
    grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$log" || true
    tail -n 400 "$log" | grep -oE 'cov: [0-9]+ ft: [0-9]+' | tail -n 1 || true
    if [ "$status" -ne 0 ]; then
        failed+=("$target")
        grep -E 'ERROR|SUMMARY|Fatal error|Test unit written' "$log" | head -n 5 || true
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: FAILED: ${failed[*]}; the logs are in Tests/fuzz/.build/*.log" >&2
    exit 1
fi
echo "fuzz: no finding in ${targets[*]}"
