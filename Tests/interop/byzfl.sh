#!/usr/bin/env bash
# The robust rules and attacks against ByzFL 0.0.11 (MIT).
#
#   Tests/interop/byzfl.sh    computes the fixture again and compares; then the tests that read it
#
# STARLING_PYTHON is a Python with torch, numpy, scipy and byzfl; without it a virtual environment is
# made in a folder of its own, for which torch is downloaded. NO_SWIFT=1 leaves the Swift tests out.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${STARLING_PYTHON:-}
if [ -z "$python" ]; then
    folder=$(mktemp -d "${TMPDIR:-/tmp}/starling-byzfl.XXXXXX")
    trap 'rm -rf "$folder"' EXIT
    python3 -m venv "$folder/venv"
    "$folder/venv/bin/pip" install -q torch numpy scipy
    # Its other dependencies draw plots and load pictures.
    "$folder/venv/bin/pip" install -q --no-deps byzfl==0.0.11
    python=$folder/venv/bin/python
fi
"$python" Tests/Fixtures/robustness/make_fixtures.py --check
[ -n "${NO_SWIFT:-}" ] || swift test --filter 'ByzFLTests|AttackTableTests'
