"""What the foreign peers of the interoperability suite share; standard library alone.

A peer prints READY with its address, then one JSON object per line: an answer to each line of its
standard input, and gossip as it comes. The lines are `dial ADDRESS`, `identify PEER`, `ping PEER`,
`echo PEER PROTOCOL BYTES fin|count`, `publish TEXT`, `forge TEXT`, and what one peer alone can do.
A handler is a coroutine that returns the values of its answer; an exception is an answer, too.
"""

import asyncio
import base64
import json
import os
import socket
import sys
import threading

ECHO = "/test/echo/1.0.0"
IDENTIFY = "/ipfs/id/1.0.0"
PING = "/ipfs/ping/1.0.0"
MESHSUB = "/meshsub/1.1.0"
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

# The identity whose private key is 32 bytes of 1, and a signature that it made over something else.
FORGED_AUTHOR = "0024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
OTHER_SIGNATURE = (
    "caf66aa8359a3a03edc061d7d3cb3b4552fae00ae348b7ac590115f8707e36ba"
    "33c0f5aa0ef0bc57cf880354be86e10d78cbfb41330f60ecd85bb3c83d188208"
)


def say(line):
    """Writes a line in one piece: several threads do."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def report(event, **values):
    say(json.dumps({"event": event, **values}))


def gossip(author, data):
    report("gossip", author=author, data=data.decode(errors="replace"))


async def read_line():
    return await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)


async def serve(handlers, read_line=read_line):
    """Answers the lines of the standard input until it ends."""
    while line := await read_line():
        command, *words = line.split()
        try:
            report("answer", command=command, **(await handlers[command](*words) or {}))
        except Exception as error:
            report("answer", command=command, error=f"{type(error).__name__}: {error}")
    os._exit(0)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pattern(count):
    return bytes(i * 11 + (i >> 8) & 255 for i in range(count))


def receive_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError(f"{len(data)} of {count} bytes")
        data += piece
    return data


def serve_sockets(listener, serve):
    """Serves each connection that a listening socket takes in a thread of its own."""

    def accept():
        while True:
            connection = listener.accept()[0]
            threading.Thread(target=serve, args=[connection], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def echo_back(connection):
    while data := connection.recv(65536):
        connection.sendall(data)
    connection.close()


# Protobuf, uvarint and addresses.


def uvarint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out) + bytes([number])


def read_uvarint(data, start):
    number = shift = 0
    while True:
        byte = data[start]
        start += 1
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return number, start


def field(number, value):
    """A field of a message: an int as a varint, bytes and text with their length."""
    if isinstance(value, int):
        return uvarint(number << 3) + uvarint(value)
    data = value.encode() if isinstance(value, str) else value
    return uvarint(number << 3 | 2) + uvarint(len(data)) + data


def fields(data):
    """A message as {number: [values]}."""
    found = {}
    start = 0
    while start < len(data):
        tag, start = read_uvarint(data, start)
        if tag & 7 == 0:
            value, start = read_uvarint(data, start)
        elif tag & 7 == 2:
            count, start = read_uvarint(data, start)
            value = data[start : start + count]
            if len(value) != count:
                raise ValueError("a field ends early")
            start += count
        else:
            raise ValueError(f"wire type {tag & 7}")
        found.setdefault(tag >> 3, []).append(value)
    return found


def base58(data):
    number = int.from_bytes(data, "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def unbase58(text):
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    zeros = len(text) - len(text.lstrip("1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def address_bytes(text):
    """The bytes of an address over TCP, through a relay or not."""
    words, out = text.strip("/").split("/"), b""
    while words:
        name = words.pop(0)
        if name == "p2p-circuit":
            out += uvarint(290)
        elif name == "ip4":
            out += b"\x04" + socket.inet_aton(words.pop(0))
        elif name == "tcp":
            out += b"\x06" + int(words.pop(0)).to_bytes(2, "big")
        elif name == "p2p":
            peer = unbase58(words.pop(0))
            out += uvarint(421) + uvarint(len(peer)) + peer
        else:
            raise ValueError(name)
    return out


def tcp_address(text):
    """The bytes of /ip4/HOST/tcp/PORT and, if it is there, the bytes of the peer id."""
    parts = text.split("/")
    host = bytes(int(n) for n in parts[2].split("."))
    binary = b"\x04" + host + b"\x06" + int(parts[4]).to_bytes(2, "big")
    return binary, unbase58(parts[6]) if len(parts) > 6 else None


def address_text(data):
    if len(data) >= 8 and data[0] == 4 and data[5] == 6:
        host = ".".join(str(n) for n in data[1:5])
        return f"/ip4/{host}/tcp/{int.from_bytes(data[6:8], 'big')}"
    return data.hex()


def identity(data):
    """The values of an answer to `identify`, of the bytes on an identify stream."""
    count, start = read_uvarint(data, 0)
    message = fields(data[start : start + count])

    def text(number):
        return message[number][-1].decode() if number in message else ""

    return {
        "agent": text(6),
        "version": text(5),
        "protocols": " ".join(p.decode() for p in message.get(3, [])),
        "observed": address_text(message[4][-1]) if 4 in message else "",
        "addresses": " ".join(address_text(a) for a in message.get(2, [])),
        "record": str(int(8 in message)),
    }


def forged_frame(topic, text):
    """A gossip frame with one message whose signature is another one's."""
    message = (
        field(1, bytes.fromhex(FORGED_AUTHOR))
        + field(2, text)
        + field(3, bytes(7) + b"\x07")
        + field(4, topic)
        + field(5, bytes.fromhex(OTHER_SIGNATURE))
    )
    rpc = field(2, message)
    return uvarint(len(rpc)) + rpc


def private_key(seed, public):
    """A private key file as go-libp2p reads it."""
    return b"\x08\x01\x12\x40" + seed + public


def base64_text(data):
    return base64.b64encode(data).decode()
