#!/usr/bin/env bash
# A federation of members: two join with an invite, one with a certificate file, and a fourth comes by
# an invite while rounds go on. A node without a certificate gets nothing, an invite works once. The
# fourth is revoked: it ends with the issuer's reason, is in no later round, and cannot come back; one
# that was away when it was revoked hears of it too. The others finish with one digest.
cd "$(dirname "$0")"
. ./federation.sh

names+=(emil fritz)
plays+=(hamlet macbeth)
STARLING_TEST_MODEL=$folder/model
python3 tiny_model.py "$STARLING_TEST_MODEL"

run_refused() { # INDEX CODE PATTERN ARGUMENT...: the node must end with that code and say why
    local name=${names[$1]} expected=$2 pattern=$3 code=0
    shift 3
    cp "$folder/ada.txt" "$folder/$name.txt"
    timeout 30 "$STARLING" run --home "$folder/$name" --data "$folder/$name.txt" --held-out 0 \
        --listen /ip4/127.0.0.1/tcp/0 --threads 1 "$@" \
        >"$folder/$name.log" 2>"$folder/$name.err" || code=$?
    [ "$code" -eq "$expected" ] || fail "$name ended with $code, not $expected"
    grep -q "$pattern" "$folder/$name.log" "$folder/$name.err" || fail "$name did not hear '$pattern'"
}

invite() { # -> the word, from ada
    "$STARLING" members invite --home "$folder/ada" --format json "$@" | jq -r .invite
}

standing() { # NAME PEER -> what the node's list says
    "$STARLING" members list --home "$folder/$1" --format json \
        | jq -r ".members[] | select(.peer == \"$2\") | .standing"
}

await_standing() { # NAME PEER STANDING SECONDS
    for _ in $(seq $(($4 * 5))); do
        [ "$(standing "$1" "$2")" = "$3" ] && return
        sleep 0.2
    done
    fail "$1 lists $2 as '$(standing "$1" "$2")', not $3"
}

rounds=40
"$STARLING" init --home "$folder/ada" --model "$STARLING_TEST_MODEL" --name closed \
    --members 3 --rounds "$rounds" --local-steps 20 --batch 2 --length 32 --rank 4 \
    --admission members --format json >"$folder/init.json"
[ "$(jq -r .admission "$folder/init.json")" = members ] || fail "init made an open federation"
start 0 "" --stay
join=$(join_line ada)

run_refused 4 23 'ask one for an invite' --join "$join"
[ "$(du -sB1 "$folder/emil/models" | cut -f 1)" -lt 65536 ] \
    || fail "a stranger holds parts of the model"

word=$(invite --org south)
start 1 "$join" --invite "$word" --stay
peer=$("$STARLING" members id --home "$folder/cleo" --format json | jq -r .peer)
"$STARLING" members admit "$peer" --home "$folder/ada" --org north --out "$folder/cleo.cert" \
    >"$folder/admit.out"
start 2 "$join" --certificate "$folder/cleo.cert" --stay
await_round ada 1 60
run_refused 4 23 'has been used' --join "$join" --invite "$word"
run_refused 5 20 'is for the peer' --join "$join" --certificate "$folder/cleo.cert"

# A fourth, by another invite, while rounds go on.
start 3 "$join" --invite "$(invite)" --stay
dora=$("$STARLING" members id --home "$folder/dora" --format json | jq -r .peer)
for _ in $(seq 150); do
    [ "$(status ada "participants | index(\"$dora\")")" != null ] && break
    sleep 0.2
done
[ "$(status ada "participants | index(\"$dora\")")" != null ] || fail "dora is in no round"
await_standing bela "$dora" admitted 10

# cleo is away while dora is revoked.
kill -KILL "${process[cleo]}"
wait "${process[cleo]}" 2>/dev/null || true
unset "process[cleo]"
"$STARLING" members revoke "$dora" --home "$folder/ada" --reason 'key lost on a train' >"$folder/revoke.out"
id=${process[dora]}
for _ in $(seq 100); do kill -0 "$id" 2>/dev/null || break; sleep 0.2; done
kill -0 "$id" 2>/dev/null && fail "dora goes on after its revocation"
code=0
wait "$id" || code=$?
unset "process[dora]"
[ "$code" -eq 23 ] || fail "dora ended with $code, not 23"
grep -q 'key lost on a train' "$folder/dora.log" "$folder/dora.err" || fail "dora was not told why"
await_standing bela "$dora" revoked 10
start 2 "$join" --stay
await_standing cleo "$dora" revoked 20
run_refused 3 23 'key lost on a train' --join "$join"
# The home's memory of it removed, the others' is not.
rm -rf "$folder/dora/state"
run_refused 3 23 'key lost on a train' --join "$join"

last=$(sed -n "s/^round \([0-9]*\): averaged.*/\1/p" "$folder/ada.log" | tail -n 1)
for name in ada bela cleo; do await_round "$name" "$rounds" 60; done
digest=$(same_digest ada bela cleo)
[ "$(status ada "members | index(\"$dora\")")" = null ] || fail "dora is still a member"
for name in ada bela; do
    kill -TERM "${process[$name]}"
    await_exit "$name" 30
    audit_passes "$name"
done
echo "members only: a stranger and a used invite refused; a revoked member out by round ${last:-?}; digest $digest"
