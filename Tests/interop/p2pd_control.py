"""The daemon of go-libp2p as a child process; standard library alone.

It is steered by messages over a unix socket, and carries each stream over such a socket too, both of
whose directions it closes when one ends: streams are read by count.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time

import foreign

# Kinds of requests.
IDENTIFY, CONNECT, STREAM_OPEN, STREAM_HANDLER = 0, 1, 2, 3


def receive_message(connection):
    prefix = b""
    while not prefix or prefix[-1] > 127:
        prefix += foreign.receive_exactly(connection, 1)
    return foreign.receive_exactly(connection, foreign.read_uvarint(prefix, 0)[0])


class Daemon:
    """A p2pd process, which ends with this one, and its control socket."""

    def __init__(self, program, path, address, *more, prefix=()):
        self.path = path
        arguments = [
            *prefix, program, "-listen", f"/unix{path}", "-hostAddrs", address,
            "-tls=false", "-quic=false", *more,
        ]
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

    def identity(self):
        """The peer id and the addresses, as bytes."""
        answer = foreign.fields(self.call(IDENTIFY)[0][4][0])
        return answer[1][0], answer.get(2, [])

    def address(self):
        """Where the daemon listens on loopback, with its peer id."""
        peer, addresses = self.identity()
        texts = [foreign.address_text(a) for a in addresses]
        tcp = next(t for t in texts if t.startswith("/ip4/127.0.0.1/tcp/"))
        return f"{tcp}/p2p/{foreign.base58(peer)}"

    def connect(self, peer, address):
        """Dials; both as bytes."""
        body = foreign.field(1, peer) + foreign.field(2, address)
        self.call(CONNECT, foreign.field(2, body))

    def open(self, peer, protocol):
        """The socket of a new stream; the peer as bytes."""
        body = foreign.field(1, peer) + foreign.field(2, protocol)
        return self.call(STREAM_OPEN, foreign.field(3, body))[1]

    def handle(self, path, protocol):
        """Has streams of a protocol come to the unix socket that listens at a path."""
        encoded = path.encode()
        address = foreign.uvarint(400) + foreign.uvarint(len(encoded)) + encoded
        body = foreign.field(1, address) + foreign.field(2, protocol) + foreign.field(3, 0)
        self.call(STREAM_HANDLER, foreign.field(4, body))
