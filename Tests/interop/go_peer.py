"""A go-libp2p host, driven from Python (PyPI libp2p-go), as a peer of the interoperability suite.

Usage: go_peer.py TOPIC
"""

import asyncio
import sys

import foreign
from libp2p import DisableRelay, Host, ListenAddrStrings, SecurityNoise
from libp2p.peer import AddrInfo, Peer
from libp2p.ping import PingService
from libp2p.pubsub import PubSub


async def main():
    name = sys.argv[1]
    host = Host(
        SecurityNoise, DisableRelay, ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
        loop=asyncio.get_running_loop(),
    )

    async def serve_echo(stream):
        """Answers after the opener has closed its side."""
        await stream.write(await stream.read_all())
        await stream.close()

    host.set_stream_handler(foreign.ECHO, serve_echo)
    topic = await (await PubSub.new_gossip(host)).join(name)
    subscription = await topic.subscription()
    pings = PingService(host)
    peers = []

    async def dial(address):
        transport, peer = address.split("/p2p/")
        await host.connect(AddrInfo(Peer.decode(peer), [transport]))
        peers.append(peer)

    async def identify(peer):
        stream = await host.new_stream(Peer.decode(peer), foreign.IDENTIFY)
        return foreign.identity(await stream.read_all())

    async def ping(peer):
        # Its own ping service, which takes the id's bytes; the round trip is in nanoseconds.
        async for result in pings.ping(foreign.unbase58(peer)):
            if result.error:
                raise RuntimeError(result.error)
            return {"microseconds": result.rtt / 1000}
        raise RuntimeError("no answer")

    async def echo(peer, protocol, count, end):
        # Its close() closes both directions, so the answer is read by count.
        stream = await host.new_stream(Peer.decode(peer), protocol)
        sent = foreign.pattern(int(count))
        await stream.write(sent)
        received = b""
        while len(received) < len(sent):
            number, data = await stream.read_bytes(len(sent) - len(received))
            if number <= 0:
                break
            received += data[:number]
        await stream.close()
        return {"bytes": len(received), "same": received == sent}

    async def publish(text):
        await topic.publish(text.encode())

    async def forge(text):
        for peer in peers:
            stream = await host.new_stream(Peer.decode(peer), foreign.MESHSUB)
            await stream.write(foreign.forged_frame(name, text))
            await stream.close()
        return {"peers": len(peers)}

    async def listen():
        async for message in subscription:
            foreign.gossip(message.from_peer.string, message.data)

    listener = asyncio.create_task(listen())
    handlers = {
        "dial": dial, "identify": identify, "ping": ping, "echo": echo, "publish": publish,
        "forge": forge,
    }
    foreign.say(f"READY {host.addrs[0]}/p2p/{host.id.string}")
    await foreign.serve(handlers)
    listener.cancel()


asyncio.run(main())
