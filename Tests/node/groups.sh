#!/usr/bin/env bash
# Rules against liars over TCP: groups.sh
#
# Nine real processes. First a plain federation under each of two rules: one adapter everywhere, the sums
# computed again by the audit. Then secure rounds in three groups of three with centered clipping across
# them: one adapter everywhere, three sums in each round, computed again by the audit, and an export that
# verifies without a store.
cd "$(dirname "$0")"
. ./federation.sh

names=(ada bela cleo dora emil fritz gerd hanna ida)
STARLING_TEST_MODEL=$folder/model
python3 tiny_model.py "$STARLING_TEST_MODEL"
rounds=3
size=9

make() { # [more flags of init]
    "$STARLING" init --home "$folder/ada" --model "$STARLING_TEST_MODEL" --name rules \
        --members "$size" --rounds "$rounds" --local-steps 4 --batch 2 --length 32 --rank 4 \
        --created-at 1700000000 --format json "$@" >"$folder/init.json"
}

start() { # INDEX [JOIN LINE]
    local name=${names[$1]} join=${2:-}
    "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --listen /ip4/127.0.0.1/tcp/0 --threads 1 --stay ${join:+--join "$join"} \
        >>"$folder/$name.log" 2>>"$folder/$name.err" &
    process[$name]=$!
}

federate() { # runs all rounds and stops
    local index join name
    start 0
    join=$(join_line ada)
    for index in $(seq 1 $((size - 1))); do start "$index" "$join"; done
    for name in "${names[@]}"; do await_round "$name" "$rounds" 180; done
    for name in "${names[@]}"; do kill -TERM "${process[$name]}"; done
    for name in "${names[@]}"; do await_exit "$name" 30; done
    same_digest "${names[@]}"
    for name in "${names[@]}"; do audit_passes "$name"; done
}

clear_homes() {
    local name
    for name in "${names[@]}"; do
        rm -rf "$folder/$name/models" "$folder/$name/state" "$folder/$name.log" "$folder/$name.err"
    done
}

for index in $(seq 0 $((size - 1))); do
    sed -n "$((1 + 300 * (index / 4))),$((400 + 300 * (index / 4)))p" \
        "$STARLING_TEST_PLAYS/${plays[$((index % 4))]}_gut.txt" >"$folder/${names[$index]}.txt"
done

# What cannot go together is refused before anything is made.
refused() { # WORD [flags of init]
    local word=$1
    shift
    if make "$@" 2>"$folder/refused.err"; then fail "init $* was not refused"; fi
    grep -q -- "$word" "$folder/refused.err" \
        || fail "init $*: no word of $word: $(cat "$folder/refused.err")"
}
refused 'across groups' --secure --rule median
refused 'at least 11 --members' --rule krum --liars 4
refused spectral --rule median --aggregation spectral
refused FedNova --rule median --normalize-steps
refused 'goes with --secure' --secure-groups 3
refused 'at least 15 --members' --secure --secure-groups 5

for rule in median multi-krum; do
    clear_homes
    make --rule "$rule" --liars 2
    digest=$(federate)
    grep -q "^rule *$rule for 2" < <("$STARLING" status --home "$folder/ada") \
        || fail "status does not name the rule"
    [ "$(jq .sums "$folder/ada.audit.json")" -eq "$rounds" ] || fail "not every round computed again"
    echo "$size members, $rule: $rounds rounds, one adapter $digest"
done

clear_homes
make --secure --small-group --secure-groups 3
digest=$(federate)
for name in "${names[@]}"; do
    opened=$(grep -c 'opened the sum of 3 updates' "$folder/$name.log" || true)
    [ "$opened" -ge 1 ] || fail "$name opened no sum of its group"
done
[ "$(jq .sums "$folder/ada.audit.json")" -eq "$rounds" ] || fail "not every round computed again"
"$STARLING" export --home "$folder/ada" "$folder/export" >"$folder/export.out"
"$STARLING" verify "$folder/export" --format json >"$folder/verify.json" \
    || fail "the export is not verified: $(cat "$folder/verify.json")"
echo "$size members in groups of 3: $rounds rounds, one adapter $digest"
