#!/usr/bin/env bash
# kill -9 of one node in mid-round: the other two finish all rounds; the killed one, started again,
# ends with the same digest. Every node in turn, the first one (the author) included.
cd "$(dirname "$0")"
. ./federation.sh

for victim in 0 1 2; do
    name=${names[$victim]}
    init 4 6
    start 0 "" --stay
    join=$(join_line ada)
    start 1 "$join" --stay
    start 2 "$join" --stay
    await_round "$name" 1 120
    sleep 0.$((RANDOM % 10))
    kill -KILL "${process[$name]}"
    wait "${process[$name]}" 2>/dev/null || true
    unset "process[$name]"
    for other in 0 1 2; do
        [ "$other" -eq "$victim" ] || await_round "${names[$other]}" 4 240
    done
    survivor=${names[$(((victim + 1) % 3))]}
    start "$victim" "$(join_line "$survivor")" --stay
    await_round "$name" 4 120
    digest=$(same_digest ada bela cleo)
    # Nodes that were told to stay do so when all have the end, longer than others take to leave.
    [ "$victim" -ne 0 ] || sleep 5
    for other in ada bela cleo; do
        kill -TERM "${process[$other]}"
        await_exit "$other" 30
        audit_passes "$other"
    done
    echo "kill -9 of $name: all three hold $digest, audits pass, SIGTERM ends with 0"
    rm -rf "$folder"/*
done
