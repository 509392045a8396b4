#!/usr/bin/env bash
# A log that somebody changed on the disk: audit names the first bad entry and ends with 25.
cd "$(dirname "$0")"
. ./federation.sh

init 2 1 --members 1
start 0 "" --linger 0
await_exit ada 60
audit_passes ada
entries=$(jq .entries "$folder/ada.audit.json")
for index in 0 $((entries / 2)) $((entries - 1)); do
    rm -rf "$folder/changed"
    cp -r "$folder/ada" "$folder/changed"
    python3 - "$folder/changed/state" "$index" <<'PY'
"""Changes the clock of one log leaf, wherever the store keeps a copy of that leaf.

In LMDB's file a small value follows its key, which here is the leaf's index in 8 bytes.
"""
import pathlib, struct, sys

start = b"starling/leaf/1\0"
folder, index = pathlib.Path(sys.argv[1]), int(sys.argv[2])
data_file = max(folder.iterdir(), key=lambda file: file.stat().st_size)
data = bytearray(data_file.read_bytes())
leaf = struct.pack(">Q", index) + start
at, changed = data.find(leaf), 0
while at >= 0:
    data[at + len(leaf) + 2] ^= 1
    changed += 1
    at = data.find(leaf, at + 1)
assert changed > 0, f"no leaf {index} in {data_file}"
data_file.write_bytes(data)
PY
    status=0
    "$STARLING" audit --home "$folder/changed" --format json >"$folder/changed.json" || status=$?
    [ "$status" -eq 25 ] || fail "a changed log ends audit with $status"
    jq -e --argjson index "$index" \
        '.ok == false and .first_bad_entry == $index and (.reason | length > 0)' \
        "$folder/changed.json" >/dev/null || fail "audit: $(cat "$folder/changed.json")"
    echo "changed leaf $index of $entries: $(jq -c '{first_bad_entry, reason}' "$folder/changed.json")"
done
