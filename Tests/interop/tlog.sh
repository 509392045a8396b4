#!/usr/bin/env bash
# Logs of this program, checked by aics-tlog (Apache-2.0) and pymerkle, which is only run.
#
#   Tests/interop/tlog.sh [HOME...]    logs of 1, 300, 1,000 and 70,000 entries; then those of homes
#
# Needs Python 3.12 or newer as STARLING_PYTHON312 (default python3) and, for homes, STARLING.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${STARLING_PYTHON312:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' || {
    echo "tlog: $python is older than 3.12; name another with STARLING_PYTHON312" >&2
    exit 77
}
folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-tlog.XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$python" -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q aics-tlog==0.2.1 pymerkle==7.0.0
probe=${LOG_PROBE:-}
if [ -z "$probe" ]; then
    swift build --product LogProbe
    probe=$(swift build --show-bin-path)/LogProbe
fi
for count in 1 300 1000 70000; do
    echo "== $count entries"
    "$probe" publish "$count" "$folder/log-$count"
    "$folder/venv/bin/python" Tests/interop/tlog.py "$folder/log-$count"
done
for home in "$@"; do
    echo "== $home"
    key=$("$STARLING" log export "$folder/home" --home "$home" --format json \
        | "$folder/venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["key"])')
    "$folder/venv/bin/python" Tests/interop/tlog.py "$folder/home" "$key"
    rm -rf "$folder/home"
done
echo "tlog: all logs hold"
