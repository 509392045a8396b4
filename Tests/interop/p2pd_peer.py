"""go-libp2p's daemon as a peer of the interoperability suite; standard library alone.

Usage: p2pd_peer.py P2PD TOPIC [PUBLIC-HOST]

As a relay it tells of public addresses alone, so PUBLIC-HOST is one that is told beside loopback.
The daemon is steered by messages over a unix socket. It carries each stream over such a socket too
and closes both directions when one ends, so streams are read by count.
"""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import foreign

# Kinds of requests.
IDENTIFY, CONNECT, STREAM_OPEN, STREAM_HANDLER, PUBSUB = 0, 1, 2, 3, 8
# Kinds of pubsub requests.
PUBLISH, SUBSCRIBE = 2, 3


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError(f"{len(data)} of {count} bytes")
        data += piece
    return data


def receive_message(connection):
    prefix = b""
    while not prefix or prefix[-1] > 127:
        prefix += receive_exactly(connection, 1)
    return receive_exactly(connection, foreign.read_uvarint(prefix, 0)[0])


class Daemon:
    def __init__(self, program, folder, public_host=None):
        self.path = f"{folder}/control"
        self.handler_path = f"{folder}/echo"
        address = f"/ip4/127.0.0.1/tcp/{foreign.free_port()}"
        arguments = [
            program, "-listen", f"/unix{self.path}", "-hostAddrs", address,
            "-pubsub", "-dhtServer", "-tls=false", "-quic=false",
            "-gossipsubHeartbeatInterval", "1s",
        ]
        if public_host:
            told = f"{address},{address.replace('127.0.0.1', public_host)}"
            arguments += ["-announceAddrs", told]
        die_with_parent = lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL)
        self.process = subprocess.Popen(
            arguments, stdout=sys.stderr, stderr=sys.stderr, preexec_fn=die_with_parent
        )
        while not self.is_up():
            if self.process.poll() is not None:
                raise RuntimeError("p2pd has ended")
            time.sleep(0.05)

    def is_up(self):
        with socket.socket(socket.AF_UNIX) as connection:
            return connection.connect_ex(self.path) == 0

    def call(self, kind, body=b""):
        """The answer's fields, and the socket, which may carry on as something else."""
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.path)
        request = foreign.field(1, kind) + body
        connection.sendall(foreign.uvarint(len(request)) + request)
        answer = foreign.fields(receive_message(connection))
        if answer[1][0] != 0:
            raise RuntimeError(foreign.fields(answer[2][0])[1][0].decode())
        return answer, connection

    def address(self):
        answer = foreign.fields(self.call(IDENTIFY)[0][4][0])
        texts = [foreign.address_text(a) for a in answer.get(2, [])]
        tcp = next(t for t in texts if t.startswith("/ip4/127.0.0.1/tcp/"))
        return f"{tcp}/p2p/{foreign.base58(answer[1][0])}"

    def open(self, peer, protocol):
        body = foreign.field(1, foreign.unbase58(peer)) + foreign.field(2, protocol)
        return self.call(STREAM_OPEN, foreign.field(3, body))[1]

    def serve_echo(self, protocol):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.handler_path)
        listener.listen()
        path = self.handler_path.encode()
        address = foreign.uvarint(400) + foreign.uvarint(len(path)) + path
        body = foreign.field(1, address) + foreign.field(2, protocol) + foreign.field(3, 0)
        self.call(STREAM_HANDLER, foreign.field(4, body))

        def echo(connection):
            receive_message(connection)  # who opened the stream
            while data := connection.recv(65536):
                connection.sendall(data)
            connection.close()

        def accept():
            while True:
                connection = listener.accept()[0]
                threading.Thread(target=echo, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()

    def subscribe(self, topic):
        body = foreign.field(1, SUBSCRIBE) + foreign.field(2, topic)
        connection = self.call(PUBSUB, foreign.field(8, body))[1]

        def listen():
            while True:
                message = foreign.fields(receive_message(connection))
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
        body = foreign.field(1, peer) + foreign.field(2, binary)
        daemon.call(CONNECT, foreign.field(2, body))
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
        if receive_exactly(connection, 32) != payload:
            raise ValueError("another echo")
        microseconds = (time.monotonic() - start) * 1e6
        connection.close()
        return {"microseconds": microseconds}

    async def echo(peer, protocol, count, end):
        connection = daemon.open(peer, protocol)
        sent = foreign.pattern(int(count))
        threading.Thread(target=connection.sendall, args=[sent], daemon=True).start()
        received = receive_exactly(connection, len(sent))
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
