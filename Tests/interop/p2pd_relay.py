"""go-libp2p's daemon beside relays; standard library alone.

Usage: p2pd_relay.py P2PD relay             be a relay: print READY and the address, until ended
       p2pd_relay.py P2PD dial ADDRESS      connect through the relay in the address, ping and echo
       p2pd_relay.py P2PD behind RELAY      be reachable through that relay alone, until ended
"""

import os
import signal
import sys
import tempfile

import foreign
import p2pd_control


def dial(daemon, text):
    way, peer = text.rsplit("/p2p/", 1)
    peer = foreign.unbase58(peer)
    daemon.connect(peer, foreign.address_bytes(way))
    print('{"event": "connected"}', flush=True)

    ping = daemon.open(peer, foreign.PING)
    payload = os.urandom(32)
    ping.sendall(payload)
    assert foreign.receive_exactly(ping, 32) == payload
    print('{"event": "ping", "results": "32 bytes came back"}', flush=True)
    echo = daemon.open(peer, foreign.ECHO)
    # The daemon closes both directions at once, so the answer is read by its length.
    sent = foreign.pattern(1_000_000)
    if os.fork() == 0:
        echo.sendall(sent)
        os._exit(0)
    assert foreign.receive_exactly(echo, len(sent)) == sent
    print(f'{{"event": "echo", "bytes": {len(sent)}}}', flush=True)


def main():
    program, command, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        more = []
        if command == "behind":
            more = ["-dht", "-autoRelay", "-relayDiscovery=false", "-forceReachabilityPrivate"]
            more += ["-trustedRelays", rest[0]]
        daemon = p2pd_control.Daemon(
            program, f"{folder}/control", "/ip4/127.0.0.1/tcp/0", *more
        )
        print(f"READY {daemon.address()}", flush=True)
        if command == "dial":
            dial(daemon, rest[0])
            print('{"event": "done"}', flush=True)
        else:
            signal.pause()


main()
