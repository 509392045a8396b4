"""Looks for what must not be seen in a capture of a federation's run.

usage: wire_check.py CAPTURE FOLDER JOIN_LINE

Searched for: every line of the private texts that is long enough to be no accident, peer ids and
addresses as text and in binary, and words that every update and every stream of ours begins with.
That the search sees the traffic at all is shown by the handshakes, which are in the clear.
"""
import pathlib
import struct
import sys

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def payloads(capture):
    """The TCP payloads of a pcap file, in order."""
    data = capture.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    offset, out = 24, []
    while offset + 16 <= len(data):
        (length,) = struct.unpack_from(order + "I", data, offset + 8)
        frame = data[offset + 16 : offset + 16 + length]
        offset += 16 + length
        if frame[12:14] != b"\x08\x00":
            continue
        header = 14 + (frame[14] & 15) * 4
        total = struct.unpack_from(">H", frame, 16)[0]
        tcp = header + (frame[header + 12] >> 4) * 4
        out.append(frame[tcp : 14 + total] if total else frame[tcp:])
    return b"".join(out)


def decode58(text):
    number = 0
    for letter in text:
        number = number * 58 + BASE58.index(letter)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return b"\0" * (len(text) - len(text.lstrip("1"))) + body


def main():
    capture, folder, join = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    seen = payloads(capture)
    needles = {}
    for text in folder.glob("*.txt"):
        for line in text.read_bytes().splitlines():
            if len(line.strip()) >= 24:
                needles[line.strip()] = f"a line of {text.name}"
    peer = join.rsplit("/", 1)[1]
    needles[peer.encode()] = "a peer id as text"
    needles[decode58(peer)] = "a peer id in binary"
    needles[b"/ip4/127.0.0.1/tcp/"] = "an address as text"
    port = int(join.split("/")[4])
    needles[b"\x04\x7f\x00\x00\x01\x06" + struct.pack(">H", port)] = "an address in binary"
    for name in (b"starling/update/1", b"starling/adapter/1", b"/starling/group", b"lora_A"):
        needles[name] = f"the bytes {name!r}"

    if b"/multistream/1.0.0" not in seen or b"/noise" not in seen:
        sys.exit("FAILED: the capture does not hold the handshakes; it saw the wrong traffic")
    if len(seen) < 1_000_000:
        sys.exit(f"FAILED: only {len(seen)} bytes were captured; the updates did not pass here")

    found = [what for needle, what in needles.items() if needle in seen]
    if found:
        sys.exit(f"FAILED: the capture shows {len(found)} secrets: {found[:5]}")

    # Ciphertext is flat: every byte value about equally often in what follows the handshakes.
    counts = [0] * 256
    for byte in seen:
        counts[byte] += 1
    expected = len(seen) / 256
    spread = max(abs(count - expected) for count in counts) / expected
    print(
        f"capture of {len(seen)} bytes: none of {len(needles)} secrets; "
        f"byte frequencies within {spread:.1%} of flat"
    )


if __name__ == "__main__":
    main()
