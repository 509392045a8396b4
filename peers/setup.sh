#!/usr/bin/env bash
# Installs what a fresh Debian 12 with a Swift 6.3 toolchain lacks to build and run starling.
# Sourced or run by peers/demo.sh and Tests/run.sh; asks apt only for what is missing.
set -euo pipefail

# shellcheck disable=SC2120
starling_setup() {
    command -v swift >/dev/null || {
        echo "starling: no Swift toolchain on PATH; install Swift 6.3 from swift.org" >&2
        return 3
    }
    local packages=(
        libsodium-dev liblmdb-dev libopenblas-dev libdnnl-dev pkg-config
        git jq unzip time python3 python3-pip python3-venv "$@"
    )
    local missing=()
    for package in "${packages[@]}"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' \
            || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return 0
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || {
            echo "starling: please install as root: apt-get install ${missing[*]}" >&2
            return 3
        }
        as_root=(sudo)
    fi
    echo "starling: installing ${missing[*]}" >&2
    "${as_root[@]}" apt-get update -qq >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then starling_setup "$@"; fi
