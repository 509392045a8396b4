#!/bin/sh
# Generates ../Generated/federation.pb.swift; needs protoc and protoc-gen-swift on the PATH.
set -eu
cd "$(dirname "$0")"
protoc --swift_out=../Generated --swift_opt=Visibility=Internal \
    --swift_opt=UseAccessLevelOnImports=true federation.proto
