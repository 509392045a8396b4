"""go-libp2p's daemon beside relays; standard library alone.

Usage: p2pd_relay.py P2PD relay             be a relay: print READY and the address, until ended
       p2pd_relay.py P2PD dial ADDRESS      connect through the relay in the address, ping and echo
       p2pd_relay.py P2PD behind RELAY      be reachable through that relay alone, until ended

The daemon is steered by messages over a unix socket, and carries each stream over such a socket.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
IDENTIFY, CONNECT, STREAM_OPEN = 0, 1, 2


def uvarint(number):
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, value):
    if isinstance(value, int):
        return uvarint(number << 3) + uvarint(value)
    value = value.encode() if isinstance(value, str) else value
    return uvarint(number << 3 | 2) + uvarint(len(value)) + value


def read_uvarint(data, start):
    number = shift = 0
    while True:
        number |= (data[start] & 127) << shift
        start, shift = start + 1, shift + 7
        if data[start - 1] < 128:
            return number, start


def fields(data):
    found, start = {}, 0
    while start < len(data):
        tag, start = read_uvarint(data, start)
        value, start = read_uvarint(data, start)
        if tag & 7 == 2:
            value, start = data[start : start + value], start + value
        found.setdefault(tag >> 3, []).append(value)
    return found


def base58(data):
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def base58_bytes(text):
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    return b"\0" * (len(text) - len(text.lstrip("1"))) + number.to_bytes(
        (number.bit_length() + 7) // 8, "big"
    )


def address_bytes(text):
    words, out = text.strip("/").split("/"), b""
    while words:
        name = words.pop(0)
        if name == "p2p-circuit":
            out += uvarint(290)
        elif name == "ip4":
            out += uvarint(4) + socket.inet_aton(words.pop(0))
        elif name == "tcp":
            out += uvarint(6) + int(words.pop(0)).to_bytes(2, "big")
        elif name == "p2p":
            peer = base58_bytes(words.pop(0))
            out += uvarint(421) + uvarint(len(peer)) + peer
        else:
            raise ValueError(name)
    return out


def receive(connection, count):
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
        prefix += receive(connection, 1)
    return receive(connection, read_uvarint(prefix, 0)[0])


def start_daemon(program, folder, *more):
    path = f"{folder}/control"
    arguments = [
        program, "-listen", f"/unix{path}", "-hostAddrs", "/ip4/127.0.0.1/tcp/0",
        "-tls=false", "-quic=false", *more,
    ]  # fmt: skip
    die_with_parent = lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    process = subprocess.Popen(
        arguments, stdout=sys.stderr, stderr=sys.stderr, preexec_fn=die_with_parent
    )
    while not os.path.exists(path):
        if process.poll() is not None:
            raise RuntimeError("p2pd has ended")
        time.sleep(0.05)
    return path


def call(path, kind, body=b""):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(30)
    connection.connect(path)
    request = field(1, kind) + body
    connection.sendall(uvarint(len(request)) + request)
    answer = fields(receive_message(connection))
    if answer[1][0] != 0:
        raise RuntimeError(fields(answer[2][0])[1][0].decode())
    return answer, connection


def own_address(path):
    answer = fields(call(path, IDENTIFY)[0][4][0])
    for address in answer.get(2, []):
        if len(address) == 8 and address[:5] == b"\x04\x7f\0\0\x01" and address[5] == 6:
            port = int.from_bytes(address[6:8], "big")
            return f"/ip4/127.0.0.1/tcp/{port}/p2p/{base58(answer[1][0])}"
    raise RuntimeError("p2pd listens nowhere")


def dial(path, text):
    peer = base58_bytes(text.rsplit("/p2p/", 1)[1])
    way = address_bytes(text.rsplit("/p2p/", 1)[0])
    call(path, CONNECT, field(2, field(1, peer) + field(2, way)))
    print('{"event": "connected"}', flush=True)

    def open_stream(protocol):
        return call(path, STREAM_OPEN, field(3, field(1, peer) + field(2, protocol)))[1]

    ping = open_stream("/ipfs/ping/1.0.0")
    payload = os.urandom(32)
    ping.sendall(payload)
    assert receive(ping, 32) == payload
    print('{"event": "ping", "results": "32 bytes came back"}', flush=True)
    echo = open_stream("/test/echo/1.0.0")
    # The daemon closes both directions at once, so the answer is read by its length.
    sent = bytes(i * 11 + (i >> 8) & 255 for i in range(1_000_000))
    if os.fork() == 0:
        echo.sendall(sent)
        os._exit(0)
    assert receive(echo, len(sent)) == sent
    print(f'{{"event": "echo", "bytes": {len(sent)}}}', flush=True)


def main():
    program, command, *rest = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        more = []
        if command == "behind":
            more = ["-dht", "-autoRelay", "-relayDiscovery=false", "-forceReachabilityPrivate"]
            more += ["-trustedRelays", rest[0]]
        path = start_daemon(program, folder, *more)
        print(f"READY {own_address(path)}", flush=True)
        if command == "dial":
            dial(path, rest[0])
            print('{"event": "done"}', flush=True)
        else:
            signal.pause()


main()
