"""A py-libp2p host for the interoperability test.

Usage: py_libp2p_peer.py listen            serves identify, ping and an echo until it is ended
       py_libp2p_peer.py dial ADDRESS      asks the peer for all three and half-closes the echo

It prints READY with its address, then one JSON object per result.
"""

import hashlib
import json
import sys

import multiaddr
import trio
from libp2p import new_host
from libp2p.custom_types import TProtocol
from libp2p.host.ping import PingService
from libp2p.identity.identify.identify import ID as IDENTIFY, parse_identify_response
from libp2p.peer.envelope import consume_envelope
from libp2p.peer.peerinfo import info_from_p2p_addr
from py_streams import pieces, read_all, serve_echo

ECHO = TProtocol("/test/echo/1.0.0")
MISSING = TProtocol("/test/none/1.0.0")
ECHO_BYTE_COUNT = 1_000_000


def report(event, **values):
    print(json.dumps({"event": event, **values}), flush=True)


async def identify(host, peer):
    stream = await host.new_stream(peer, [IDENTIFY])
    message = parse_identify_response(await read_all(stream))
    envelope, record = consume_envelope(message.signedPeerRecord, "libp2p-peer-record")
    assert record.peer_id == peer, "the record is another peer's"
    report(
        "identified",
        agent=message.agent_version,
        version=message.protocol_version,
        protocols=list(message.protocols),
        addresses=[str(multiaddr.Multiaddr(a)) for a in message.listen_addrs],
        record=[str(a) for a in record.addrs],
    )
    await stream.close()


async def echo(host, peer):
    """Sends, half-closes, and reads the whole answer after that."""
    stream = await host.new_stream(peer, [ECHO])
    sent = bytes(i * 11 & 255 for i in range(ECHO_BYTE_COUNT))
    received = bytearray()

    async def receive():
        async for data in pieces(stream):
            received.extend(data)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receive)
        for start in range(0, len(sent), 40_000):
            await stream.write(sent[start : start + 40_000])
        await stream.close_write()
    assert bytes(received) == sent, f"{len(received)} bytes came back"
    report("echo", bytes=len(received), digest=hashlib.sha256(received).hexdigest())


async def late_answer(host, peer):
    """Half-closes before anything is answered: the other direction must stay open."""
    stream = await host.new_stream(peer, [ECHO])
    await stream.write(b"before the end")
    await stream.close_write()
    assert await read_all(stream) == b"before the end"
    report("half-close", ok=True)


async def refusal(host, peer):
    try:
        await host.new_stream(peer, [MISSING])
        report("refusal", error=None)
    except Exception as error:
        report("refusal", error=type(error).__name__)


async def main():
    command, *arguments = sys.argv[1:]
    address = multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")
    host = new_host(muxer_preference="YAMUX")
    host.set_stream_handler(ECHO, serve_echo)
    async with host.run(listen_addrs=[address]):
        print(f"READY {host.get_addrs()[0]}", flush=True)
        if command == "listen":
            await trio.sleep_forever()
        info = info_from_p2p_addr(multiaddr.Multiaddr(arguments[0]))
        with trio.fail_after(30):
            await host.connect(info)
            report("connected", peer=str(info.peer_id))
            await identify(host, info.peer_id)
            times = await PingService(host).ping(info.peer_id, 3)
            report("ping", results=times)
            await echo(host, info.peer_id)
            await late_answer(host, info.peer_id)
            await refusal(host, info.peer_id)
        report("done")


trio.run(main)
