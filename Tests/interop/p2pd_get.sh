# Brings p2pd, the daemon of go-libp2p 0.32.1, into the cache folder; sourced by scripts that have
# `cache`, `skip` and `fail`. Sets `p2pd`.

p2pd=$cache/p2pd
p2pd_sha256=42f8f48e62583b97cdba3c31439c08029fb2b9fc506b5bdd82c46b7cc1d279d8

if [ ! -x "$p2pd" ]; then
    mkdir -p "$cache/wheels" || skip "no cache folder"
    "${STARLING_PYTHON:-python3}" -m pip download -q --no-deps -d "$cache/wheels" \
        'hivemind==1.1.12' || skip "hivemind cannot be downloaded"
    "${STARLING_PYTHON:-python3}" -m zipfile -e \
        "$cache/wheels/hivemind-1.1.12-py3-none-manylinux2014_x86_64.whl" "$cache/wheels/hivemind" \
        || skip "the wheel of hivemind cannot be opened"
    install -m 755 "$cache/wheels/hivemind/hivemind/hivemind_cli/p2pd" "$p2pd"
    rm -r "$cache/wheels/hivemind"
fi
echo "$p2pd_sha256  $p2pd" | sha256sum -c --quiet || fail "p2pd is not the pinned one"
