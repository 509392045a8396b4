"""A go-libp2p host in a private network, for the interoperability test.

Usage: go_pnet_peer.py PSK listen            serves identify, ping and an echo until it is ended
       go_pnet_peer.py PSK dial ADDRESS      connects, pings, and sends bytes through the echo

PSK is 64 hexadecimal digits. It prints READY with its address, then one JSON object per result.
"""

import asyncio
import json
import os
import sys

from libp2p import DisableRelay, Host, ListenAddrStrings, PrivateNetwork, SecurityNoise
from libp2p.peer import AddrInfo, Peer

ECHO = "/test/echo/1.0.0"


def report(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


async def main():
    psk, command, *rest = sys.argv[1:]
    host = Host(
        PrivateNetwork(bytes.fromhex(psk)), SecurityNoise, DisableRelay,
        ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), loop=asyncio.get_running_loop(),
    )

    async def echo(stream):
        await stream.write(await stream.read_all())
        await stream.close()

    host.set_stream_handler(ECHO, echo)
    print("READY", f"{host.addrs[0]}/p2p/{host.id.string}", flush=True)
    if command == "dial":
        address, peer = rest[0].split("/p2p/")
        await host.connect(AddrInfo(Peer.decode(peer), [address]))
        report("connected", peer=peer)
        stream = await host.new_stream(Peer.decode(peer), ECHO)
        sent = bytes(i * 11 & 255 for i in range(30_000))
        await stream.write(sent)
        received = b""
        while len(received) < len(sent):
            count, data = await stream.read_bytes(len(sent) - len(received))
            if count <= 0:
                break
            received += data[:count]
        report("echo", bytes=len(received), same=received == sent)
        report("done")
        os._exit(0)
    await asyncio.sleep(60)


asyncio.run(main())
