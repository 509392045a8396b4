"""A py-libp2p host that gossips, for the interoperability test.

Usage: py_gossip_peer.py listen AUTHORS           waits for peers
       py_gossip_peer.py dial AUTHORS ADDRESS     connects to one

It publishes ten messages and waits for ten of each of AUTHORS (names with commas between them). It
prints READY with its address, then one JSON object per result. As the dialer it ends with a message
whose signature is broken and a sound one behind it, which is not heard any more.
"""

import json
import sys

import multiaddr
import trio
import varint
from libp2p import new_host
from libp2p.crypto.ed25519 import create_new_key_pair
from libp2p.custom_types import TProtocol
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import info_from_p2p_addr
from libp2p.pubsub.gossipsub import GossipSub
from libp2p.pubsub.pb import rpc_pb2
from libp2p.pubsub.pubsub import Pubsub
from libp2p.pubsub.validators import PUBSUB_SIGNING_PREFIX
from libp2p.tools.anyio_service import background_trio_service

MESHSUB = TProtocol("/meshsub/1.1.0")
TOPIC = "/starling/test/announce/1"
COUNT = 10


def report(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


def signed(key_pair, number, text):
    message = rpc_pb2.Message(
        from_id=ID.from_pubkey(key_pair.public_key).to_bytes(),
        data=text.encode(),
        seqno=number.to_bytes(8, "big"),
        topicIDs=[TOPIC],
    )
    unsigned = PUBSUB_SIGNING_PREFIX.encode() + message.SerializeToString()
    message.signature = key_pair.private_key.sign(unsigned)
    return message


async def send_by_hand(host, peer):
    key_pair = create_new_key_pair()
    broken = signed(key_pair, 1, "broken-by-hand")
    broken.signature = broken.signature[:-1] + bytes([broken.signature[-1] ^ 1])
    late = signed(key_pair, 2, "late-by-hand")
    stream = await host.new_stream(peer, [MESHSUB])
    for message in [broken, late]:
        frame = rpc_pb2.RPC(publish=[message]).SerializeToString()
        await stream.write(varint.encode(len(frame)) + frame)
    report("sent-by-hand")


async def main():
    command, authors, *arguments = sys.argv[1:]
    missing = {f"{author}-{n}" for author in authors.split(",") for n in range(COUNT)}
    address = multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")
    host = new_host(muxer_preference="YAMUX")
    gossip = GossipSub(
        protocols=[MESHSUB], degree=6, degree_low=5, degree_high=12, heartbeat_interval=1
    )
    pubsub = Pubsub(host, gossip, strict_signing=True)
    async with host.run(listen_addrs=[address]), background_trio_service(pubsub), \
            background_trio_service(gossip):
        await pubsub.wait_until_ready()
        subscription = await pubsub.subscribe(TOPIC)
        print(f"READY {host.get_addrs()[0]}", flush=True)

        async def publish():
            while len(gossip.mesh.get(TOPIC, ())) < len(authors.split(",")):
                await trio.sleep(0.05)
            report("meshed")
            await trio.sleep(2)
            for number in range(COUNT):
                await trio.sleep(0.3)
                await pubsub.publish(TOPIC, f"py-{number}".encode())

        async def listen():
            while missing:
                message = await subscription.get()
                text = message.data.decode()
                report("gossip", author=str(ID(message.from_id)), data=text)
                missing.discard(text)
            report("complete")

        with trio.fail_after(45):
            async with trio.open_nursery() as nursery:
                if command == "dial":
                    info = info_from_p2p_addr(multiaddr.Multiaddr(arguments[0]))
                    await host.connect(info)
                nursery.start_soon(publish)
                nursery.start_soon(listen)
            if command == "dial":
                await send_by_hand(host, info.peer_id)
                await trio.sleep(1)
        report("done")
        if command == "listen":
            # What else comes is reported too.
            while True:
                message = await subscription.get()
                report("gossip", author="", data=message.data.decode())


trio.run(main)
