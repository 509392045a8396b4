#!/usr/bin/env bash
# Three nodes with 2 GB, 400 MB and 200 MB in one federation over TCP: each trains what fits it, all
# rounds complete, each process stays under its budget, and all hold one digest.
#
# The peak is the kernel's: VmHWM, read until the process has ended.
cd "$(dirname "$0")"
. ./federation.sh

budgets=(2GB 400MB 200MB)
limits=(2000000000 400000000 200000000)
rounds=${TIERS_ROUNDS:-3}

peak() { # NAME -> bytes; keeps the last one that was read
    local kibibytes
    # The process may be gone since it was asked for.
    kibibytes=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB$/\1/p' "/proc/${process[$1]}/status" \
        2>/dev/null) || true
    [ -z "$kibibytes" ] || echo $((kibibytes * 1024)) >"$folder/$1.peak"
    cat "$folder/$1.peak"
}

"$STARLING" init --home "$folder/ada" --model "$STARLING_TEST_MODEL" --name tiers \
    --rounds "$rounds" --local-steps 3 --batch 2 --length 128 --rank 6 --members 3 \
    --aggregation spectral --format json >"$folder/init.json"
start 0 "" --stay --memory "${budgets[0]}"
join=$(join_line ada)
start 1 "$join" --stay --memory "${budgets[1]}"
start 2 "$join" --stay --memory "${budgets[2]}"
for name in ada bela cleo; do await_round "$name" "$rounds" 600; done
digest=$(same_digest ada bela cleo)
for index in 0 1 2; do
    name=${names[$index]}
    peak "$name" >/dev/null
    kill -TERM "${process[$name]}"
    while kill -0 "${process[$name]}" 2>/dev/null; do
        peak "$name" >/dev/null
        sleep 0.05
    done
    await_exit "$name" 30
    bytes=$(cat "$folder/$name.peak")
    [ "$bytes" -le "${limits[$index]}" ] ||
        fail "$name took $bytes bytes of ${limits[$index]}"
    echo "${budgets[$index]}: $(sed -n 's/^plan: //p' "$folder/$name.log" | head -n 1);" \
        "$bytes bytes measured"
    audit_passes "$name"
done
# Each trained something in every round.
participants=$(status ada 'participants | length')
[ "$participants" -eq 3 ] || fail "$participants of 3 took part in the last round"
echo "2 GB, 400 MB and 200 MB: $rounds rounds, all three hold $digest, each under its budget"
