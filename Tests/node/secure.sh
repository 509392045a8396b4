#!/usr/bin/env bash
# Secure rounds over TCP: secure.sh [MEMBERS...] [--aggregation spectral] [--kills KIND...]
#
# For each number of members a plain federation runs first, then a secure one of the same identities,
# texts and settings: after every round both must have the same adapter, bit for bit, on every node. With
# fewer than five members that needs --small-group. Audits open each sum again from what a node kept; a
# byte of that is then changed in the store, and the audit has to say so.
#
# With --aggregation spectral the members train unequal ranks, and the plain federation sums the sketches
# that the secure one masks.
#
# With --kills, four members go on, and for each kind of frame (protocol/secure-aggregation.md, section
# 2.1; 32 masked words, 33 summed ones) one of them is killed right before it sends one: the other three
# get their sum or a lost round and go on, and the killed one comes back. Needs SECURE_CRASH_NODE, the
# program of Tests/SecureCrashNode. RECEIPT and CONTRIBUTORS (9, 10) are sent where an owner is silent, so
# for these another member is stopped for seconds, again and again. The long run is
# secure.sh 3 8 16 --kills 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 32 33 34.
cd "$(dirname "$0")"
. ./federation.sh

names=(ada bela cleo dora emil fritz gerd hanna ida jan kurt lena max nora otto paul)
STARLING_TEST_MODEL=$folder/model
python3 tiny_model.py "$STARLING_TEST_MODEL"
rounds=2

sizes=()
kinds=()
rule=factor-mean
while [ $# -gt 0 ] && [ "$1" != --kills ]; do
    if [ "$1" = --aggregation ]; then rule=$2; shift 2; continue; fi
    sizes+=("$1")
    shift
done
plain_rule=${rule/#spectral/spectral-sketch}
[ $# -eq 0 ] || { shift; kinds=("$@"); }
[ ${#sizes[@]} -gt 0 ] || sizes=(3 5)

texts() { # COUNT: a text of its own for each member
    local index
    for index in $(seq 0 $(($1 - 1))); do
        sed -n "$((1 + 300 * (index / 4))),$((400 + 300 * (index / 4)))p" \
            "$STARLING_TEST_PLAYS/${plays[$((index % 4))]}_gut.txt" >"$folder/${names[$index]}.txt"
    done
}

make() { # MEMBERS ROUNDS [more flags of init]
    local members=$1 all=$2
    shift 2
    "$STARLING" init --home "$folder/ada" --model "$STARLING_TEST_MODEL" --name secret \
        --members "$members" --rounds "$all" --local-steps 4 --batch 2 --length 32 --rank 4 \
        --created-at 1700000000 --format json "$@" \
        >"$folder/init.json"
}

start() { # INDEX [JOIN LINE]
    local name=${names[$1]} join=${2:-}
    # Of the four directions that travel.
    local rank=$([ "$rule" = spectral ] && echo "--rank $((1 + $1 % 4))" || true)
    "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --listen /ip4/127.0.0.1/tcp/0 --threads 1 --stay ${join:+--join "$join"} $rank \
        >>"$folder/$name.log" 2>>"$folder/$name.err" &
    process[$name]=$!
}

run_all() { # MEMBERS
    local index join
    start 0
    join=$(join_line ada)
    for index in $(seq 1 $(($1 - 1))); do start "$index" "$join"; done
}

stop_all() {
    local name
    for name in "${!process[@]}"; do
        kill -TERM "${process[$name]}"
        await_exit "$name" 30
    done
}

adapters() { # MEMBERS: the adapters of all rounds; no node has another one of any round
    local index list all
    all=$(for index in $(seq 0 $(($1 - 1))); do
        list=$(sed -n 's/^round \([0-9]*\): adapter \(.*\)/\1 \2/p' "$folder/${names[$index]}.log")
        # A node that fell behind takes over the newest adapter and may skip one.
        grep -q "^$rounds " <<<"$list" || echo "0 ${names[$index]} has no last adapter"
        echo "$list"
    done | sort -u)
    [ "$(wc -l <<<"$all")" -eq "$rounds" ] || fail "the adapters of $1 members: $all"
    echo "$all"
}

# Changes a byte of a masked sum in the store of the first node that opened one.
spoil_transcript() {
    local name
    name=$(basename "$(grep -l "opened the sum" "$folder"/*.log | head -n 1)" .log)
    cp -r "$folder/$name" "$folder/spoilt"
    python3 - "$folder/spoilt/state/data.mdb" <<'PY'
import sys

data = bytearray(open(sys.argv[1], "rb").read())
place = data.rindex(b"starling/secure-transcript/1\0")
data[place + 12_000] ^= 1
open(sys.argv[1], "wb").write(data)
PY
    if "$STARLING" audit --home "$folder/spoilt" --replay >"$folder/spoilt.out" 2>&1; then
        fail "the audit of a changed masked sum passes: $(cat "$folder/spoilt.out")"
    fi
    grep -q "masked sum and reveals have other bytes than the log says" "$folder/spoilt.out" \
        || fail "the audit names something else: $(cat "$folder/spoilt.out")"
    sed -n 's/^FAILED *//p' "$folder/spoilt.out"
    rm -rf "$folder/spoilt"
}

# Leaves the keys alone.
clear_homes() {
    local name
    for name in "${names[@]}"; do
        rm -rf "$folder/$name/models" "$folder/$name/state" "$folder/$name.log" "$folder/$name.err"
    done
}

for size in "${sizes[@]}"; do
    clear_homes
    texts "$size"
    small=$([ "$size" -lt 5 ] && echo --small-group || true)
    make "$size" "$rounds" --aggregation "$plain_rule" --wire ring32
    run_all "$size"
    for index in $(seq 0 $((size - 1))); do await_round "${names[$index]}" "$rounds" 120; done
    stop_all
    grep -q "averaged with $size of $size" "$folder/ada.log" || fail "a plain round lacks somebody"
    plain=$(adapters "$size")
    clear_homes

    if [ -n "$small" ] && make "$size" "$rounds" --secure --aggregation "$rule" \
        2>"$folder/small.err"; then
        fail "a small group without the setting"
    fi
    make "$size" "$rounds" --secure --aggregation "$rule" $small
    run_all "$size"
    for index in $(seq 0 $((size - 1))); do await_round "${names[$index]}" "$rounds" 120; done
    stop_all
    for index in $(seq 0 $((size - 1))); do
        name=${names[$index]}
        [ "$(grep -c "averaged with $size of $size" "$folder/$name.log")" -eq "$rounds" ] \
            || fail "$name knows of no $rounds sums of $size"
        if [ -n "$small" ]; then
            grep -q '^WARNING' "$folder/$name.log" || fail "$name did not warn of small groups"
        fi
        audit_passes "$name"
    done
    # Who learns the certified adapter before it has opened the sum itself need not open it.
    opened=$(cat "$folder"/*.log | grep -c "opened the sum of $size updates")
    [ "$opened" -ge $((rounds * (2 * size / 3 + 1))) ] || fail "only $opened sums were opened"
    secure=$(adapters "$size")
    [ "$plain" = "$secure" ] || fail "plain $plain, secure $secure"
    again=0
    for index in $(seq 0 $((size - 1))); do
        sums=$("$STARLING" audit --home "$folder/${names[$index]}" --replay --format json | jq .sums)
        again=$((again + sums))
    done
    [ "$again" -eq "$opened" ] || fail "$opened sums were opened, audits opened $again again"
    spoil_transcript
    # Who masked, how many signed, and which bytes came out, for somebody without a store.
    rm -rf "$folder/export"
    "$STARLING" export --home "$folder/ada" "$folder/export" >"$folder/export.out"
    "$STARLING" verify "$folder/export" --format json >"$folder/verify.json" \
        || fail "the export is not verified: $(cat "$folder/verify.json")"
    [ "$(jq '.participants | length' "$folder/verify.json")" -eq "$size" ] \
        || fail "verify names others than $size: $(cat "$folder/verify.json")"
    sed -i 's/"members" : [0-9]*/"members" : 99/' "$folder/export/starling.json"
    if "$STARLING" verify "$folder/export" >"$folder/forged.out" 2>&1; then
        fail "a forged number of members is verified"
    fi
    echo "$size members, $rule: $rounds secure rounds, the adapters of the plain ones: ${secure##* }"
done

[ ${#kinds[@]} -gt 0 ] || exit 0
: "${SECURE_CRASH_NODE:?the program of Tests/SecureCrashNode}"
clear_homes
texts 4
make 4 1000 --secure --small-group
run_all 4
await_round dora 1 120
kill -TERM "${process[dora]}"
await_exit dora 30
for kind in "${kinds[@]}"; do
    # The three others do without it until it is back.
    rm -f "$folder/dora/crash"
    "$SECURE_CRASH_NODE" "$folder/dora" "$folder/dora.txt" "$(join_line bela)" "$kind" \
        >>"$folder/dora.log" 2>>"$folder/dora.err" &
    process[dora]=$!
    disown
    before=$(status ada round)
    await_round dora $((before + 2)) 240
    touch "$folder/dora/crash"
    case $kind in
        9 | 10)
            # Longer than the deadline of a pass of the data, after which a view changes.
            for _ in $(seq 25); do
                kill -0 "${process[dora]}" 2>/dev/null || break
                sleep "$((1 + RANDOM % 3)).$((RANDOM % 10))"
                kill -STOP "${process[cleo]}"
                sleep 20
                kill -CONT "${process[cleo]}"
            done
            ;;
        *)
            for _ in $(seq 600); do
                kill -0 "${process[dora]}" 2>/dev/null || break
                sleep 0.2
            done
            ;;
    esac
    kill -0 "${process[dora]}" 2>/dev/null && fail "dora was not killed before a frame of kind $kind"
    unset "process[dora]"
    # It was killed in the round after the last one that it knows to be certified.
    died=$("$STARLING" audit --home "$folder/dora" --format json | jq '.rounds + 1') \
        || fail "the audit after a kill at $kind"
    at=$(status ada round)
    for name in ada bela cleo; do await_round "$name" $((at + 2)) 240; done
    for name in ada bela cleo; do
        sed -n "s/^round $died: \(averaged.*\|no sum.*\)/$name: \1/p" "$folder/$name.log"
    done | sort -u | head -n 1 | sed "s/^/killed before kind $kind: round $died, /"
done
start 3 "$(join_line bela)"
at=$(status ada round)
for name in ada bela cleo dora; do await_round "$name" $((at + 2)) 240; done
stop_all
for name in ada bela cleo dora; do audit_passes "$name"; done
last=$(for name in ada bela cleo dora; do
    sed -n 's/^round \([0-9]*\): adapter \(.*\)/\1 \2/p' "$folder/$name.log"
done | sort | uniq | cut -d' ' -f1 | uniq -d)
[ -z "$last" ] || fail "two adapters of round $last"
grep -h 'broke the rules' "$folder"/*.log && fail "an honest node was accused"
echo "killed at ${#kinds[@]} steps: no round has two adapters, all audits pass"
