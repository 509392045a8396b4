#!/bin/sh
# Makes the Swift files beside this folder from the .proto files in it.
# Needs protoc and protoc-gen-swift 1.39.
set -eu
cd "$(dirname "$0")"
out=../Generated
mkdir -p "$out"
protoc --proto_path=. --swift_out="$out" \
    --swift_opt=Visibility=Internal --swift_opt=UseAccessLevelOnImports=true ./*.proto
