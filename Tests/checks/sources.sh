#!/usr/bin/env bash
# Rules of style that a search can hold: no force try, no bare fatalError, no effects in the pure
# targets, no file past 400 lines that does not say why in its first comment.
set -euo pipefail
cd "$(dirname "$0")/../.."
failed=0
complain() {
    echo "sources: $1" >&2
    failed=1
}

if git grep -nE '(try!|fatalError\(\)|// *(TODO|FIXME|XXX))' -- 'Sources/*.swift'; then
    complain "the lines above have marks that must not stay"
fi

pure=(Tensors LibP2P Federation GossipLog)
for target in "${pure[@]}"; do
    if git grep -nE '\b(Date\(\)|ContinuousClock|Task\.sleep|UUID\(\)|getenv|ProcessInfo|FileManager|SystemRandomNumberGenerator)\b' \
        -- "Sources/$target/*.swift"; then
        complain "$target is pure: it has no clock, randomness, environment or files of its own"
    fi
    if git grep -nE '^(public |internal |package )?import (Foundation|NIO[A-Za-z]*|Dispatch)$' \
        -- "Sources/$target/*.swift" ":!Sources/$target/Generated"; then
        complain "$target is pure: it imports no Foundation (but its essentials, for Data), NIO or Dispatch"
    fi
done

while read -r lines file; do
    [ "$file" = total ] && continue
    if [ "$lines" -gt 400 ] && ! head -n 12 "$file" | grep -qi 'lines'; then
        complain "$file has $lines lines; split it, or say why in its first comment"
    fi
done < <(git ls-files 'Sources/*.swift' | grep -v /Generated/ | xargs wc -l)

[ "$failed" -eq 0 ]
echo "sources: clean"
