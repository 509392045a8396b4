#!/usr/bin/env bash
# Fetches the texts of the results and cuts them into nodes; digests are checked.
#
#   Tests/results/fetch.sh DIR chitchat|fortunes...   leaves DIR/chitchat/*.txt, DIR/fortunes/*.txt
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
into=${1:?usage: Tests/results/fetch.sh DIR NAME...}
shift
mkdir -p "$into"
into=$(cd "$into" && pwd)

check() { # FILE SHA256
    echo "$2  $1" | sha256sum --check --status || {
        echo "results: $1 is not the expected file: its SHA-256 is" \
            "$(sha256sum "$1" | cut -d' ' -f1), not $2; delete it and run this again" >&2
        exit 4
    }
}

chitchat() {
    local wheel=$into/chitchat_dataset-0.9.0-py3-none-any.whl
    [ -f "$wheel" ] || {
        echo "results: fetching chitchat-dataset 0.9.0" >&2
        python3 -m pip --quiet --disable-pip-version-check download \
            --no-deps --dest "$into" chitchat-dataset==0.9.0 >&2
    }
    check "$wheel" 7bf89f36645e2d5ec87d53370c8e851b5a688479c7beb7079cb4c87fc5acea3e
    python3 "$here/cut.py" chitchat "$wheel" "$1"
}

fortunes() {
    local unpacked=$into/fortunes.unpacked package digest deb
    rm -rf "$unpacked"
    while read -r package digest; do
        deb=$into/$(sed 's/=.*:/_/; s/=/_/' <<<"$package").deb
        [ -f "$deb" ] || {
            echo "results: fetching $package" >&2
            (cd "$into" && apt-get --quiet --quiet -o APT::Sandbox::User=root download \
                "$package" >&2)
            mv "$into/${package%%=*}"_*.deb "$deb"
        }
        check "$deb" "$digest"
        dpkg-deb -x "$deb" "$unpacked"
    done <<'LIST'
fortunes=1:1.99.1-7.3 41d0551dc0ff52f875a2ecef7c39da2f672ab468c37e170119f7e0245a9d63c5
fortunes-de=0.35-1 03fe7a7912935bd3d4e02e38d79ef32a289097f8718d4488c409595abce067a0
fortunes-ru=1.52-3.1 2dc76af9c0e02e2926d36f88dcb685bb171fab8677e553a6def41efe8a551cc6
fortunes-zh=2.98 211c5ddee59d0ae74ce01cbfd02f7c8714740bae1835d5661eb2254edd739105
LIST
    python3 "$here/cut.py" fortunes "$unpacked/usr/share/games/fortunes" "$1"
    rm -rf "$unpacked"
}

for name in "$@"; do
    [ -d "$into/$name" ] && continue
    rm -rf "$into/$name.part"
    "$name" "$into/$name.part"
    mv "$into/$name.part" "$into/$name"
done
