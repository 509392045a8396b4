#!/usr/bin/env bash
# What an eavesdropper sees of a run: after the Noise handshake no text, no update words, no
# addresses of peers. The check is first made to fail on a plain connection.
cd "$(dirname "$0")"
. ./federation.sh

capture() { # FILE: starts tcpdump on loopback and waits until it listens
    tcpdump -i lo -U -s 0 -w "$1" 'tcp and not port 22' >/dev/null 2>"$folder/tcpdump.err" &
    process[tcpdump]=$!
    for _ in $(seq 100); do
        grep -q 'listening on' "$folder/tcpdump.err" 2>/dev/null && return
        sleep 0.1
    done
    fail "tcpdump does not listen: $(cat "$folder/tcpdump.err")"
}

stop_capture() {
    sleep 0.5
    kill -INT "${process[tcpdump]}"
    wait "${process[tcpdump]}" 2>/dev/null || true
    unset "process[tcpdump]"
}

capture "$folder/run.pcap"
init 2 3
start 0
join=$(join_line ada)
start 1 "$join"
start 2 "$join"
for name in ada bela cleo; do await_exit "$name" 240; done
stop_capture

python3 ./wire_check.py "$folder/run.pcap" "$folder" "$join"
