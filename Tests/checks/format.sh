#!/usr/bin/env bash
# The formatter's lint, strict: any finding fails.
set -euo pipefail
cd "$(dirname "$0")/../.."
git ls-files -z '*.swift' | xargs -0 swift format lint --strict --parallel
echo "format: $(git ls-files '*.swift' | wc -l) Swift files lint clean"
