"""One stream between two p2pd daemons: how fast bytes go through it.

Usage: p2pd_stream.py P2PD BYTES [PID ADDRESS ADDRESS]

With PID, the second daemon runs in that process's network namespace; the addresses are those of the
two sides. Prints one JSON line like SwarmProbe's. Standard library only.
"""

import json
import os
import socket
import sys
import tempfile
import threading
import time

import p2pd_control

PROTOCOL = "/test/sink/1.0.0"
PIECE = b"\xa5" * (256 << 10)


class Daemon(p2pd_control.Daemon):
    def __init__(self, program, folder, name, address, port, prefix):
        super().__init__(
            program, os.path.join(folder, name), f"/ip4/{address}/tcp/{port}",
            prefix=[*prefix, "timeout", "-s", "KILL", "300"])

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
        p2pd_control.receive_message(connection)
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
    peer, addresses = receiver.identity()
    sender.connect(peer, addresses[0])
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
