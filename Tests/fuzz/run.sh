#!/usr/bin/env bash
# Fuzzes each reader of bytes from outside, guided by coverage, and fails if one crashes, hangs or
# takes too much memory.
#
#   Tests/fuzz/run.sh [MINUTES_PER_READER] [READER...]     10 minutes, all readers
#
# Readers: gguf, safetensors, tokenizer, config, jsonl, gossip. A finding is kept as
# corpus/READER/crash-*, so that every later run begins with it; what was new in a run is kept below
# .build/corpus and used again by the next. Needs a Swift toolchain with libFuzzer, as the one from
# swift.org for Linux is.
set -euo pipefail
cd "$(dirname "$0")"
minutes=${1:-10}
shift $(($# > 0 ? 1 : 0))
readers=("$@")
[ ${#readers[@]} -gt 0 ] || readers=(gguf safetensors tokenizer config jsonl gossip)

swift build -c release --sanitize fuzzer --product ReaderFuzzer
fuzzer=$(swift build -c release --sanitize fuzzer --show-bin-path)/ReaderFuzzer
# The backtrace of a trap takes a second, and libFuzzer prints its own.
export SWIFT_BACKTRACE=enable=no

failed=()
for reader in "${readers[@]}"; do
    echo "-- $reader: $minutes min"
    grown=.build/corpus/$reader
    log=.build/$reader.log
    mkdir -p "$grown"
    dictionary=json.dict
    [ "$reader" != gguf ] || dictionary=gguf.dict
    status=0
    STARLING_FUZZ_READER=$reader "$fuzzer" "$grown" "corpus/$reader" \
        -dict="$dictionary" -max_len=8192 -timeout=10 -rss_limit_mb=2048 \
        -max_total_time=$((minutes * 60)) -artifact_prefix="corpus/$reader/crash-" \
        -print_final_stats=1 >"$log" 2>&1 || status=$?
    grep -E '^stat::(number_of_executed_units|average_exec_per_sec|peak_rss_mb)' "$log" || true
    tail -n 400 "$log" | grep -oE 'cov: [0-9]+ ft: [0-9]+' | tail -n 1 || true
    if [ "$status" -ne 0 ]; then
        failed+=("$reader")
        grep -E 'ERROR|SUMMARY|Fatal error|Test unit written' "$log" | head -n 5 || true
    fi
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "fuzz: FAILED: ${failed[*]}; the logs are in Tests/fuzz/.build/*.log" >&2
    exit 1
fi
echo "fuzz: no finding in ${readers[*]}"
