# What the scripts share in which one program listens and another dials it; sourced by them.
#
# A script sets `probe`, `cache`, and `side` before each direction. It leaves with 0 passed,
# 1 failed, 77 skipped.

skip() { echo "SKIPPED: $1"; exit 77; }
fail() { echo "FAILED: $1"; exit 1; }

# Goes on as the same script in a network namespace in which only the loopback interface is up, and
# where it may in a process namespace too: nothing that it starts outlives it. /proc must fit that
# one, since libdispatch looks its threads up there.
enter_namespace() { # SCRIPT ARGUMENTS...
    spaces="-rnpf --mount-proc --kill-child"
    # shellcheck disable=SC2086
    unshare $spaces true 2>/dev/null || spaces=-rn
    unshare -rn true 2>/dev/null || skip "no network namespaces"
    # shellcheck disable=SC2086
    STARLING_INTEROP_INSIDE=1 exec unshare $spaces sh -c \
        'ip link set lo up && test "$(ip -o link | wc -l)" = 1 && exec "$@"' sh "$@"
}

# Downloads a wheel into the cache, if it is not there, and compares its digest.
fetch_wheel() { # PACKAGE==VERSION FILE SHA256
    mkdir -p "$cache/wheels" || return 1
    [ -f "$cache/wheels/$2" ] \
        || python3 -m pip download -q --no-deps --only-binary :all: --python-version 3.11 \
            -d "$cache/wheels" "$1" || return 1
    echo "$3  $cache/wheels/$2" | sha256sum -c --quiet || fail "$2 is not the pinned one"
}

prepare_py() {
    "$cache/py/bin/python" -c 'import libp2p' 2>/dev/null && return
    # The wheel is pinned; what it depends on is resolved as usual.
    fetch_wheel libp2p==0.8.1 libp2p-0.8.1-py3-none-any.whl \
        3d53daa20a6a78984c9b4ed1654d771757b187282f90376d7156c2b67828b308 \
        && python3 -m venv "$cache/py" \
        && "$cache/py/bin/pip" install -q "$cache/wheels/libp2p-0.8.1-py3-none-any.whl"
}

# A folder of its own: the module is named libp2p, too. The wheel is for Python 3.11.
prepare_go() {
    "$cache/go/bin/python" -c 'import libp2p' 2>/dev/null && return
    go_wheel=libp2p_go-0.1.4-cp311-cp311-manylinux_2_5_x86_64.manylinux1_x86_64.whl
    command -v python3.11 >/dev/null \
        && fetch_wheel libp2p-go==0.1.4 $go_wheel \
            f059e1af254f6878e4f61f79c6d97aba1adaeb6c7d3705d4deadf40621c64836 \
        && fetch_wheel multiaddr==0.0.9 multiaddr-0.0.9-py2.py3-none-any.whl \
            5c0f862cbcf19aada2a899f80ef896ddb2e85614e0c8f04dd287c06c69dac95b \
        && python3.11 -m venv "$cache/go" \
        && "$cache/go/bin/pip" install -q "$cache/wheels/$go_wheel" \
            "$cache/wheels/multiaddr-0.0.9-py2.py3-none-any.whl"
}

# A folder for outputs, removed with the listener at the end.
make_work_folder() {
    work=$(mktemp -d) || exit 1
    listener=
    trap clean_up EXIT
}

clean_up() {
    [ -n "$listener" ] && kill -KILL "$listener" 2>/dev/null
    rm -rf "$work"
}

# Starts a listener and waits for its address, at most 60 s.
start() {
    mkfifo "$work/ready"
    timeout -s KILL 60 "$@" >"$work/ready" 2>"$work/listener.err" &
    listener=$!
    exec 3<"$work/ready"
    rm "$work/ready"
    address=
    while read -r line <&3; do
        case $line in READY\ *) address=${line#READY }; break ;; esac
    done
    [ -n "$address" ] || { cat "$work/listener.err"; fail "the listener did not start"; }
}

stop() {
    kill -KILL "$listener" 2>/dev/null
    wait "$listener" 2>/dev/null
    listener=
    exec 3<&-
}

# Requires that the dialer's output has an event with a text.
expect() {
    grep "\"event\": *\"$1\"" "$work/out" | grep -q -- "$2" \
        || { cat "$work/out" "$work/err" "$work/listener.err"; fail "$side: no $1 with $2"; }
}
