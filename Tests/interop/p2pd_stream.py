"""One stream between two p2pd daemons: how fast bytes go through it.

Usage: p2pd_stream.py P2PD BYTES [PID ADDRESS ADDRESS]

With PID, the second daemon runs in that process's network namespace; the addresses are those of the
two sides. Prints one JSON line like SwarmProbe's. Standard library only.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROTOCOL = "/test/sink/1.0.0"
PIECE = b"\xa5" * (256 << 10)


def uvarint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def field(number, value):
    """A protobuf field: an int as varint, everything else behind its length."""
    if isinstance(value, int):
        return uvarint(number << 3) + uvarint(value)
    value = value.encode() if isinstance(value, str) else value
    return uvarint(number << 3 | 2) + uvarint(len(value)) + value


def fields(message):
    """The values of each field number of a message of varints and byte strings."""
    position, out = 0, {}

    def varint():
        nonlocal position
        number = shift = 0
        while True:
            byte = message[position]
            position += 1
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return number

    while position < len(message):
        tag = varint()
        value = varint()
        if tag & 7:
            value, position = message[position:position + value], position + value
        out.setdefault(tag >> 3, []).append(value)
    return out


def receive_message(connection):
    length = shift = 0
    while True:
        byte = connection.recv(1)[0]
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    message = b""
    while len(message) < length:
        message += connection.recv(length - len(message))
    return message


class Daemon:
    """A p2pd process and its control socket."""

    def __init__(self, program, folder, name, address, port, prefix):
        self.control = os.path.join(folder, name)
        self.process = subprocess.Popen(
            [*prefix, "timeout", "-s", "KILL", "300", program, "-listen", "/unix" + self.control,
             "-hostAddrs", f"/ip4/{address}/tcp/{port}", "-tls=false", "-quic=false"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            if os.path.exists(self.control):
                break
            time.sleep(0.05)

    def call(self, request):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self.control)
        connection.sendall(uvarint(len(request)) + request)
        answer = fields(receive_message(connection))
        if answer[1][0] != 0:
            raise RuntimeError(fields(answer[2][0])[1][0].decode())
        return connection, answer

    def identity(self):
        answer = fields(self.call(field(1, 0))[1][4][0])
        return answer[1][0], answer[2][0]

    def connect(self, peer, address):
        self.call(field(1, 1) + field(2, field(1, peer) + field(2, address)))

    def open(self, peer, protocol):
        return self.call(field(1, 2) + field(3, field(1, peer) + field(2, protocol)))[0]

    def handle(self, path, protocol):
        encoded = path.encode()
        address = uvarint(400) + uvarint(len(encoded)) + encoded
        self.call(field(1, 3) + field(4, field(1, address) + field(2, protocol) + field(3, 0)))

    def processor_seconds(self):
        """Of the daemon itself, which `timeout` started."""
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(children) as file:
            pid = file.read().split()[0]
        with open(f"/proc/{pid}/stat") as file:
            values = file.read().rsplit(")", 1)[1].split()
        return (int(values[11]) + int(values[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def main():
    program, byte_count, *other = sys.argv[1:]
    byte_count = int(byte_count)
    prefix, own, far = [], "127.0.0.1", "127.0.0.1"
    if other:
        prefix, own, far = ["nsenter", "-t", other[0], "-n"], other[1], other[2]
    with tempfile.TemporaryDirectory() as folder:
        sender = Daemon(program, folder, "a", own, 4401, [])
        receiver = Daemon(program, folder, "b", far, 4402, prefix)
        try:
            run(sender, receiver, folder, byte_count)
        finally:
            sender.stop()
            receiver.stop()


def run(sender, receiver, folder, byte_count):
    sink = socket.socket(socket.AF_UNIX)
    sink.bind(os.path.join(folder, "sink"))
    sink.listen()

    def drain():
        connection, _ = sink.accept()
        receive_message(connection)
        left, buffer = byte_count, bytearray(1 << 20)
        while left > 0:
            count = connection.recv_into(buffer, min(left, len(buffer)))
            if count == 0:
                return
            left -= count
        connection.sendall(b"received")
        connection.recv(1)

    thread = threading.Thread(target=drain, daemon=True)
    thread.start()
    receiver.handle(os.path.join(folder, "sink"), PROTOCOL)
    peer, address = receiver.identity()
    sender.connect(peer, address)
    stream = sender.open(peer, PROTOCOL)
    before = sender.processor_seconds(), receiver.processor_seconds()
    start = time.monotonic()
    left = byte_count
    while left > 0:
        piece = PIECE[:left]
        stream.sendall(piece)
        left -= len(piece)
    answer = stream.recv(8)
    seconds = time.monotonic() - start
    print(json.dumps({
        "event": "sent", "bytes": byte_count, "answer": answer.decode(),
        "megabytesPerSecond": byte_count / seconds / 1e6,
        "processorSeconds": sender.processor_seconds() - before[0],
        "sinkProcessorSeconds": receiver.processor_seconds() - before[1],
    }), flush=True)


if __name__ == "__main__":
    main()
