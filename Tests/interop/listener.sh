# What the scripts share in which one program listens and another dials it; sourced by them.
#
# A script sets `probe`, and `side` before each direction. It leaves with 0 passed, 1 failed, 77
# skipped.

skip() { echo "SKIPPED: $1"; exit 77; }
fail() { echo "FAILED: $1"; exit 1; }

# Goes on as the same script in a network namespace in which only the loopback interface is up.
enter_namespace() { # SCRIPT ARGUMENTS...
    unshare -rn true 2>/dev/null || skip "no network namespaces"
    STARLING_INTEROP_INSIDE=1 exec unshare -rn sh -c \
        'ip link set lo up && test "$(ip -o link | wc -l)" = 1 && exec "$@"' sh "$@"
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
