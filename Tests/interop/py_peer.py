"""A py-libp2p host as a peer of the interoperability suite.

Usage: py_peer.py TOPIC
"""

import sys

import foreign
import multiaddr
import trio
from libp2p import new_host
from libp2p.custom_types import TProtocol
from libp2p.host.ping import PingService
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pubsub import Pubsub
from libp2p.tools.anyio_service import background_trio_service
from py_streams import pieces, read_all, serve_echo


async def main():
    topic = sys.argv[1]
    address = multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")
    host = new_host(muxer_preference="YAMUX")
    host.set_stream_handler(TProtocol(foreign.ECHO), serve_echo)
    # Its heartbeat is 120 s, and 10 messages a second of a topic are its limit, unless told.
    gossip = GossipSub(
        protocols=[TProtocol(foreign.MESHSUB)], degree=6, degree_low=5, degree_high=12,
        heartbeat_interval=1, max_messages_per_topic_per_second=1_000.0,
    )
    pubsub = Pubsub(host, gossip, strict_signing=True)
    peers = []

    async def dial(text):
        info = info_from_p2p_addr(multiaddr.Multiaddr(text))
        await host.connect(info)
        peers.append(info.peer_id)

    async def identify(peer):
        stream = await host.new_stream(ID.from_base58(peer), [TProtocol(foreign.IDENTIFY)])
        return foreign.identity(await read_all(stream))

    async def ping(peer):
        # Its own ping service, in milliseconds or microseconds as it likes: only that it answers.
        start = trio.current_time()
        await PingService(host).ping(ID.from_base58(peer), 1)
        return {"microseconds": (trio.current_time() - start) * 1e6}

    async def echo(peer, protocol, count, end):
        stream = await host.new_stream(ID.from_base58(peer), [TProtocol(protocol)])
        sent = foreign.pattern(int(count))
        received = bytearray()

        async def receive():
            async for data in pieces(stream):
                received.extend(data)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(receive)
            for start in range(0, len(sent), 40_000):
                await stream.write(sent[start : start + 40_000])
            await stream.close_write()
        return {"bytes": len(received), "same": bytes(received) == sent}

    async def publish(text):
        await pubsub.publish(topic, text.encode())

    async def forge(text):
        for peer in peers:
            stream = await host.new_stream(peer, [TProtocol(foreign.MESHSUB)])
            await stream.write(foreign.forged_frame(topic, text))
            await stream.close()
        return {"peers": len(peers)}

    async def read_line():
        return await trio.to_thread.run_sync(sys.stdin.readline)

    async with host.run(listen_addrs=[address]), background_trio_service(pubsub), \
            background_trio_service(gossip):
        await pubsub.wait_until_ready()
        subscription = await pubsub.subscribe(topic)
        foreign.say(f"READY {host.get_addrs()[0]}")

        async def listen():
            while True:
                message = await subscription.get()
                foreign.gossip(str(ID(message.from_id)), message.data)

        handlers = {
            "dial": dial, "identify": identify, "ping": ping, "echo": echo, "publish": publish,
            "forge": forge,
        }
        async with trio.open_nursery() as nursery:
            nursery.start_soon(listen)
            await foreign.serve(handlers, read_line)


trio.run(main)
