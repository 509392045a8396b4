"""Lattica (rust-libp2p) as a peer of the interoperability suite.

Usage: lattica_peer.py PROTOCOL_VERSION [dial=ADDRESS]... [relay=ADDRESS]...

Lattica has no call that dials, publishes, or opens a stream of a protocol. It dials the peers that
it is started with. Its gossip is one topic, p2p-circuit-broadcast: it publishes an address there
for each relay that takes it in, and writes what it hears to its log, where the suite reads it
(RUST_LOG). `echo` is its request and response, which half-closes in both directions.
"""

import asyncio
import sys
import tempfile
import time

import foreign
from lattica import Lattica


class Echo:
    """A service whose one method returns what it is given; Lattica puts `_handle_` before it."""

    _rpc_methods = ["echo"]
    _stream_methods = []
    _stream_iter_methods = []

    def _handle_echo(self, data):
        return bytes(data)


def values(name, words):
    return [word.removeprefix(f"{name}=") for word in words if word.startswith(f"{name}=")]


async def main():
    version, *words = sys.argv[1:]
    folder = tempfile.mkdtemp()
    address = f"/ip4/127.0.0.1/tcp/{foreign.free_port()}"
    node = (
        Lattica.builder().with_listen_addrs([address])
        .with_bootstraps(values("dial", words)).with_relay_servers(values("relay", words))
        .with_mdns(False).with_upnp(False).with_autonat(False).with_dcutr(False)
        .with_protocol(version).with_key_path(folder).with_storage_path(folder)
        .with_dht_db_path(folder + "/dht").build()
    )
    node.register_service(Echo())

    async def identify(peer):
        for _ in range(100):
            info = node.get_peer_info(peer)
            if info and info.agent_version:
                return {
                    "agent": info.agent_version, "version": info.protocol_version,
                    "protocols": " ".join(info.protocols),
                    "addresses": " ".join(info.listen_addresses),
                }
            time.sleep(0.1)
        raise RuntimeError("not identified")

    async def ping(peer):
        # It pings by itself, and keeps the newest round trip.
        for _ in range(200):
            seconds = node.get_peer_rtt(peer)
            if seconds is not None:
                return {"microseconds": seconds * 1e6}
            time.sleep(0.1)
        raise RuntimeError("no round trip measured")

    async def echo(peer, protocol, count, end):
        sent = foreign.pattern(int(count))
        received = bytes(node.get_client(peer).call("Echo.echo", sent).result(20))
        return {"bytes": len(received), "same": received == sent}

    async def connected():
        return {"peers": " ".join(node.get_all_peers())}

    handlers = {"identify": identify, "ping": ping, "echo": echo, "connected": connected}
    foreign.say(f"READY {address}/p2p/{node.peer_id()}")
    await foreign.serve(handlers)


asyncio.run(main())
