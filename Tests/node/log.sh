#!/usr/bin/env bash
# Certificates and logs of real nodes: an export is verified with nothing but its folder, forged ones
# are refused with the reason, members cosign each other's logs, and a log that was rewritten or cut
# off is found by the others and proven to anybody.
cd "$(dirname "$0")"
. ./federation.sh

refused() { # REASON COMMAND...: must end with 25 and say why
    local reason=$1 status=0
    shift
    "$@" >"$folder/refused.out" 2>"$folder/refused.err" || status=$?
    [ "$status" -eq 25 ] || fail "$* ends with $status: $(cat "$folder/refused.err")"
    grep -q -- "$reason" "$folder/refused.out" "$folder/refused.err" \
        || fail "$*: $(cat "$folder/refused.out" "$folder/refused.err")"
    echo "refused: $reason"
}

init 4 2
start 0 "" --linger 60
join=$(join_line ada)
start 1 "$join" --linger 60
start 2 "$join" --linger 60
for name in ada bela cleo; do await_round "$name" 1 180; done

# A copy of a home, made while its node stands still; then the node goes on.
kill -INT "${process[cleo]}"
await_exit cleo 60
cp -r "$folder/cleo" "$folder/early"
audit_against() { # HOME PLACE [more flags]
    local home=$1 place=$2
    shift 2
    "$STARLING" audit --home "$home" --against "$place" --format json "$@" >"$folder/against.json"
}
# Over the network, of a node that runs.
audit_against "$folder/early" "$(join_line bela)" || fail "$(cat "$folder/against.json")"
jq -c '{ok, agreements}' "$folder/against.json"
start 2 "$join" --linger 60
for name in ada bela cleo; do await_round "$name" 4 240; done
for name in ada bela cleo; do await_exit "$name" 90; done

echo "== exports"
"$STARLING" export --home "$folder/ada" --format peft "$folder/adapter" >/dev/null
rm -rf "$folder/away" && mkdir "$folder/away" && mv "$folder/adapter" "$folder/away/"
unshare -rn env -i "$STARLING" verify "$folder/away/adapter" --format json >"$folder/verify.json"
jq -c '{ok, round, participants: (.participants | length), signatures, threshold, cosigners: (.cosigners | length), proven_leaves, holds_adapter}' \
    "$folder/verify.json"
jq -e '.ok and .round == 4 and .holds_adapter and .signatures >= .threshold and .threshold == 2
    and (.participants | length) + .absences == 3 and (.cosigners | length) >= 1' \
    "$folder/verify.json" >/dev/null || fail "$(cat "$folder/verify.json")"
"$STARLING" verify "$folder/away/adapter" --manifest "$(jq -r .manifest_digest "$folder/verify.json")" >/dev/null
refused "the manifest is" "$STARLING" verify "$folder/away/adapter" --manifest "$(printf '0%.0s' {1..64})"
forge() { # JQ FILTER
    rm -rf "$folder/forged"
    cp -r "$folder/away/adapter" "$folder/forged"
    jq "$1" "$folder/away/adapter/starling.json" >"$folder/forged/starling.json"
}
forge '.participants[0].examples += 1'
refused 'participants\[0\] says' "$STARLING" verify "$folder/forged"
forge '.participants[0].peer = .participants[1].peer'
refused 'participants\[0\] says' "$STARLING" verify "$folder/forged"
forge '.sum_digest = .adapter_digest'
refused 'sum_digest says' "$STARLING" verify "$folder/forged"
forge '.chain |= .[:-1]'
refused 'was certified' "$STARLING" verify "$folder/forged"
forge '.log.entries[0].proof[0] = .log.entries[0].proof[1]'
refused 'log.entries\[0\] is not in the log' "$STARLING" verify "$folder/forged"
rm -rf "$folder/forged" && cp -r "$folder/away/adapter" "$folder/forged"
printf '\x01' | dd of="$folder/forged/adapter_model.safetensors" bs=1 seek=20000 conv=notrunc status=none
refused "bytes have the digest" "$STARLING" verify "$folder/forged"

echo "== logs"
for name in bela cleo; do
    audit_against "$folder/ada" "$folder/$name" || fail "$(cat "$folder/against.json")"
    jq -c '{ok, agreements}' "$folder/against.json"
done
"$STARLING" audit --home "$folder/ada" --replay --format json >"$folder/replay.json"
jq -e '.sums == 4 and (.replays | length) == 4 and ([.replays[].holds] | all)' "$folder/replay.json" >/dev/null \
    || fail "$(cat "$folder/replay.json")"
"$STARLING" log export "$folder/tiles" --home "$folder/bela" --format json | jq -c '{entries, cosignatures}'
audit_against "$folder/ada" "$folder/tiles" || fail "$(cat "$folder/against.json")"
"$STARLING" log prove 3 "$folder/entry" --home "$folder/bela" >/dev/null
head -n 2 "$folder/entry" | grep -q "index 3" || fail "no proof of entry 3"

# A home that was put back to an old copy has a log that was cut off; when it goes on it is a fork.
refused "cut off" "$STARLING" audit --home "$folder/early" --against "$folder/bela"
refused "cut off" "$STARLING" audit --home "$folder/early" --against "$folder/cleo"
"$STARLING" run --home "$folder/early" --data "$folder/cleo.txt" --held-out 0 \
    --listen /ip4/127.0.0.1/tcp/0 --threads 1 \
    >"$folder/early.log" 2>"$folder/early.err" &
process[early]=$!
sleep 15 # it trains, and logs what it would announce
kill -INT "${process[early]}"
await_exit early 60
status=0
"$STARLING" audit --home "$folder/early" --against "$folder/cleo" --evidence "$folder/fork" \
    --format json >"$folder/fork.json" || status=$?
[ "$status" -eq 25 ] || fail "a home that went on from an old copy ends audit with $status"
jq -c '{forked, first_bad_entry, reason, proven}' "$folder/fork.json"
jq -e .proven "$folder/fork.json" >/dev/null || fail "no proof of the fork"
unshare -rn env -i "$STARLING" verify "$folder/fork"
sed -i 's/^index .*/index 0/' "$folder/fork"
refused "proves nothing" "$STARLING" verify "$folder/fork"
echo "log: all of it holds"
