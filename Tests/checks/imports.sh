#!/usr/bin/env bash
# Holds the import table of docs/ARCHITECTURE.md against the package and the sources:
#   1. a target declares just the edges that its row lists;
#   2. a source file imports no own target that its row does not list;
#   3. a C module is imported `internal`ly, by the one target that owns it.
set -euo pipefail
cd "$(dirname "$0")/../.."

declared=$(swift package dump-package | jq -r '
    [.targets[] | select(.type != "test") | .name] as $own
    | .targets[] | select(.type != "test" and .type != "system")
    | select((.path // "") | startswith("Tests/") | not)
    | .name as $name
    | ([.dependencies[] | (.byName // .target // [null])[0]]
       | map(select(. as $d | $own | index($d))) | sort | join(" ")) as $edges
    | "\($name): \($edges)"' | sort)

# Rows look like: | `Name` | purpose | `A` `B` |
table=$(awk -F'|' '/^\| `/ { print $2 ":" $4 }' docs/ARCHITECTURE.md | tr -d '`' \
    | awk -F: '{ gsub(/ /, "", $1); n = split($2, d, " "); s = ""
                 asort_n = 0
                 for (i = 1; i <= n; i++) if (d[i] != "-") list[++asort_n] = d[i]
                 for (i = 1; i <= asort_n; i++) for (j = i + 1; j <= asort_n; j++)
                     if (list[j] < list[i]) { t = list[i]; list[i] = list[j]; list[j] = t }
                 for (i = 1; i <= asort_n; i++) s = s (i > 1 ? " " : "") list[i]
                 print $1 ": " s }' | LC_ALL=C sort)
declared=$(printf '%s\n' "$declared" | LC_ALL=C sort)

if ! diff <(printf '%s\n' "$table") <(printf '%s\n' "$declared"); then
    echo "imports: docs/ARCHITECTURE.md (<) and Package.swift (>) differ" >&2
    exit 1
fi

failed=0
own=$(printf '%s\n' "$declared" | cut -d: -f1)
while IFS=: read -r name edges; do
    for file in $(git ls-files "Sources/$name/*.swift"); do
        while read -r line; do
            module=$(sed -E 's/^.*import +((struct|class|enum|func|protocol) +)?([A-Za-z0-9_]+).*/\3/' <<<"$line")
            case "$module" in
            CSodium | CLMDB | COpenBLAS | COneDNN | CKernels)
                grep -q '^internal import' <<<"$line" || {
                    echo "imports: $file: C modules are imported with 'internal import'" >&2
                    failed=1
                }
                ;;
            esac
            if grep -qx "$module" <<<"$own"$'\nCSodium\nCLMDB\nCOpenBLAS\nCOneDNN' \
                && ! grep -qw "$module" <<<"$edges"; then
                echo "imports: $file imports $module, which $name must not" >&2
                failed=1
            fi
        done < <(grep -E '^(@[a-zA-Z_]+ +)?((public|package|internal|fileprivate|private) +)?import ' "$file" || true)
    done
done <<<"$declared"
[ "$failed" -eq 0 ]
echo "imports: $(wc -l <<<"$declared") targets keep the table"
