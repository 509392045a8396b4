"""go-libp2p's daemon as a peer of the interoperability suite; standard library alone.

Usage: p2pd_peer.py P2PD TOPIC [PUBLIC-HOST]

As a relay it tells of public addresses alone, so PUBLIC-HOST is one that is told beside loopback.
"""

import asyncio
import os
import socket
import sys
import tempfile
import threading
import time

import foreign
import p2pd_control

# The kind of request about pubsub, and its own kinds.
PUBSUB = 8
PUBLISH, SUBSCRIBE = 2, 3


class Daemon(p2pd_control.Daemon):
    def __init__(self, program, folder, public_host=None):
        self.handler_path = f"{folder}/echo"
        address = f"/ip4/127.0.0.1/tcp/{foreign.free_port()}"
        more = ["-pubsub", "-dhtServer", "-gossipsubHeartbeatInterval", "1s"]
        if public_host:
            more += ["-announceAddrs", f"{address},{address.replace('127.0.0.1', public_host)}"]
        super().__init__(program, f"{folder}/control", address, *more)

    def open(self, peer, protocol):
        return super().open(foreign.unbase58(peer), protocol)

    def serve_echo(self, protocol):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.handler_path)
        listener.listen()
        self.handle(self.handler_path, protocol)

        def echo(connection):
            p2pd_control.receive_message(connection)  # who opened the stream
            foreign.echo_back(connection)

        foreign.serve_sockets(listener, echo)

    def subscribe(self, topic):
        body = foreign.field(1, SUBSCRIBE) + foreign.field(2, topic)
        connection = self.call(PUBSUB, foreign.field(8, body))[1]

        def listen():
            while True:
                message = foreign.fields(p2pd_control.receive_message(connection))
                foreign.gossip(foreign.base58(message[1][0]), message[2][0])

        threading.Thread(target=listen, daemon=True).start()


async def main():
    program, topic, *public_host = sys.argv[1:]
    daemon = Daemon(program, tempfile.mkdtemp(), *public_host)
    daemon.serve_echo(foreign.ECHO)
    daemon.subscribe(topic)
    peers = []

    async def dial(address):
        binary, peer = foreign.tcp_address(address)
        daemon.connect(peer, binary)
        peers.append(foreign.base58(peer))

    async def identify(peer):
        connection = daemon.open(peer, foreign.IDENTIFY)
        data = b""
        while piece := connection.recv(65536):
            data += piece
        return foreign.identity(data)

    async def ping(peer):
        connection = daemon.open(peer, foreign.PING)
        payload = os.urandom(32)
        start = time.monotonic()
        connection.sendall(payload)
        if foreign.receive_exactly(connection, 32) != payload:
            raise ValueError("another echo")
        microseconds = (time.monotonic() - start) * 1e6
        connection.close()
        return {"microseconds": microseconds}

    async def echo(peer, protocol, count, end):
        connection = daemon.open(peer, protocol)
        sent = foreign.pattern(int(count))
        threading.Thread(target=connection.sendall, args=[sent], daemon=True).start()
        received = foreign.receive_exactly(connection, len(sent))
        connection.close()
        return {"bytes": len(received), "same": received == sent}

    async def publish(text):
        body = foreign.field(1, PUBLISH) + foreign.field(2, topic) + foreign.field(3, text)
        daemon.call(PUBSUB, foreign.field(8, body))

    async def forge(text):
        for peer in peers:
            connection = daemon.open(peer, foreign.MESHSUB)
            connection.sendall(foreign.forged_frame(topic, text))
            time.sleep(0.5)
            connection.close()
        return {"peers": len(peers)}

    handlers = {
        "dial": dial, "identify": identify, "ping": ping, "echo": echo, "publish": publish,
        "forge": forge,
    }
    foreign.say(f"READY {daemon.address()}")
    await foreign.serve(handlers)


asyncio.run(main())
