#!/usr/bin/env bash
# Six nodes that gossip: one is killed with -9 in mid-run and comes back rounds later, one joins when
# the others are half through. Both go on where the others are. All finish, each with an adapter of its
# own close to the others', every audit passes, and an own adapter can be exported, with no claim of a
# certificate.
cd "$(dirname "$0")"
. ./federation.sh

names=(ada bela cleo dora emil fritz)
plays=(macbeth midsummer_nights_dream henry_v othello macbeth henry_v)
STARLING_TEST_MODEL=$folder/model
python3 tiny_model.py "$STARLING_TEST_MODEL"

rounds=${1:-24}
settling=8
# More than two half-lives.
away=10
all=$((rounds + settling))
"$STARLING" init --home "$folder/ada" --model "$STARLING_TEST_MODEL" --name gossip --members 5 \
    --rounds "$rounds" --local-steps 100 --batch 2 --length 64 --rank 4 --exchange gossip \
    --fan-out 2 --half-life 4 --settling-rounds "$settling" --format json >"$folder/init.json"
[ "$(jq -r .exchange "$folder/init.json")" = gossip ] || fail "init made no federation that gossips"

start 0 "" --stay
join=$(join_line ada)
for index in 1 2 3 4; do start "$index" "$join" --stay; done

await_round cleo 2 60
kill -KILL "${process[cleo]}"
wait "${process[cleo]}" 2>/dev/null || true
unset "process[cleo]"
killed_at=$(status cleo round)
"$STARLING" audit --home "$folder/cleo" >/dev/null || fail "the audit after kill -9"
mv "$folder/cleo.log" "$folder/cleo.before.log"
await_round ada $((killed_at + away)) 60
start 2 "$(join_line bela)" --stay
start 5 "$(join_line dora)" --stay

for name in "${names[@]}"; do await_round "$name" "$all" 60; done
first_mean() { sed -n 's/^round \([0-9]*\): averaged.*/\1/p' "$folder/$1.log" | head -n 1; }
echo "cleo: killed in round $killed_at, back in round $(first_mean cleo);" \
    "fritz: joined in round $(first_mean fritz)"
# Some of those that they asked may be behind ada.
reached=$((killed_at + away / 2))
[ "$(first_mean cleo)" -ge "$reached" ] || fail "cleo did not go on where the others were"
[ "$(first_mean fritz)" -ge "$reached" ] || fail "fritz did not begin where they were"
"$STARLING" status --home "$folder/cleo" | grep '^consensus  *distance 0\.' \
    || fail "status shows no consensus distance"

for name in "${names[@]}"; do
    distance=$(status "$name" consensus_distance)
    norm=$(status "$name" mean_norm)
    echo "$name: round $(status "$name" round), consensus distance $distance, mean $norm"
    awk -v d="$distance" -v n="$norm" 'BEGIN { exit !(d >= 0 && n > 0 && d < 0.2 * n) }' \
        || fail "$name is $distance from the others at a mean of $norm"
    [ "$(status "$name" 'equivocators | length')" -eq 0 ] || fail "$name accuses somebody"
done

"$STARLING" export --home "$folder/bela" --out "$folder/peft" --json >"$folder/export.json"
[ "$(jq -r .certified "$folder/export.json")" = false ] || fail "an own adapter is called certified"
[ "$(jq -r .certified "$folder/peft/starling.json")" = false ] || fail "starling.json claims too much"
[ "$(jq -r .adapter_digest "$folder/export.json")" = "$(status bela adapter_digest)" ] \
    || fail "another adapter was exported"

for name in "${names[@]}"; do
    kill -TERM "${process[$name]}"
    await_exit "$name" 30
    audit_passes "$name"
    echo "$name: $(jq -r '"\(.entries) log entries, \(.rounds) rounds, \(.sums) means again"' \
        "$folder/$name.audit.json")"
    [ "$(jq -r .sums "$folder/$name.audit.json")" -gt 0 ] || fail "no mean of $name was formed again"
done

echo "six nodes, one killed, one late: all finished $all rounds, audits pass"
