"""Traps of other implementations that need the implementation; the rest are Swift tests.

README.md lists all of them with their tests.
"""

import time

from nodes import Red, wait


def expect(holds, fact):
    if not holds:
        raise Red(str(fact))


def version_mismatch(bench):
    """Lattica drops a peer with another protocolVersion; starling does not, and outlives it."""
    first = bench.starling("first")
    other = bench.foreign("lattica", version="/another/1")
    first.dial(other)
    wait(lambda: first.find("disconnected", peer=other.peer), 30, "Lattica disconnects")
    expect("protocol version mismatch" in other.log(), "Lattica gives another reason")
    first.ask("mesh")
    return first.find("disconnected", peer=other.peer)[0]["reason"]


def version_is_tolerated(bench):
    """starling stays connected with a peer of another protocolVersion."""
    first = bench.starling("first")
    other = bench.foreign("p2pd")
    first.dial(other)
    version = first.ask(f"identify {other.peer}")["version"]
    expect(version != "/starling/interop/1", version)
    time.sleep(2)
    first.ask(f"ping {other.peer}")
    return version


def rsa_identity(bench):
    """A peer with an RSA key is refused by name in both directions, and the node goes on."""
    first = bench.starling("first")
    other = bench.foreign("kubo", key_type="rsa")
    expect(other.peer.startswith("Qm"), other.peer)
    try:
        first.dial(other)
    except Red as error:
        expect("unsupportedKeyType" in str(error), error)
    else:
        raise Red("a connection with an RSA identity")
    try:
        other.dial(first)
    except Red:
        pass
    first.saw("unsupportedKeyType")
    first.ask("mesh")


def rsa_author(bench):
    """Gossip of an RSA author is ignored, and who forwards it is not blamed."""
    first = bench.starling("first")
    daemon = bench.foreign("p2pd")
    kubo = bench.foreign("kubo", key_type="rsa")
    first.dial(daemon)
    daemon.dial(kubo)
    wait(lambda: daemon.peer in first.ask("mesh")["peers"], 30, "a mesh")
    time.sleep(4)
    kubo.publish("of-an-rsa-author")
    wait(lambda: daemon.texts()["of-an-rsa-author"], 20, "p2pd takes it")
    daemon.publish("of-the-forwarder")
    wait(lambda: first.texts()["of-the-forwarder"], 20, "the forwarder is heard on")
    expect(not first.texts()["of-an-rsa-author"], "a message of an RSA author was delivered")
    expect("graylisted" not in first.log(), "the forwarder was blamed")
    expect(daemon.peer in first.ask("mesh")["peers"], "the forwarder is out of the mesh")


def half_close_through_p2pd(bench):
    """p2pd makes a half-close a whole one: the stream ends for starling, early but soon."""
    first = bench.starling("first")
    other = bench.foreign("p2pd")
    first.dial(other)
    try:
        answer = first.ask(f"echo {other.peer} /test/echo/1.0.0 200000 fin")
        outcome = f"{answer['bytes']} of 200000 bytes came back"
    except Red as error:
        expect("not within" not in str(error), error)
        outcome = str(error)
    answer = first.ask(f"echo {other.peer} /test/echo/1.0.0 200000 count")
    expect(answer["same"] == "true", answer)
    return outcome


def refused_protocols(bench):
    """Lattica proposes bitswap anew as soon as it is refused: starling holds its answers back, so
    that a few a second are left, and the connection lives."""
    first = bench.starling("first")
    other = bench.foreign("lattica", log=",multistream_select=debug")
    first.dial(other)
    time.sleep(8)
    count = other.log().count("Received rejection of protocol")
    expect(8 <= count <= 80, f"{count} refusals in 8 s")
    first.ask(f"ping {other.peer}")
    return f"{count} refusals in 8 s"


def foreign_message_id(bench):
    """rust-libp2p makes other ids of messages; what it hears is delivered and handed on once all
    the same, though it asks for announced messages that it has."""
    first, second = bench.starling("first"), bench.starling("second")
    other = bench.foreign("lattica", dials=[second])
    first.dial(other)
    for node in [first, second]:
        wait(lambda: other.peer in node.ask("mesh")["subscribers"], 30, "Lattica in the topic")
    time.sleep(4)
    first.publish("id-0")
    wait(lambda: second.texts()["id-0"], 20, "the message goes on")
    # Its id is the author's text and the number in decimal, not the author's bytes and 8 bytes.
    expect(f"Put message in duplicate_cache and resolve promises {first.peer.encode().hex()}"
           in other.log(), "another id than expected")
    time.sleep(4)
    expect(second.texts()["id-0"] == 1 and other.texts()["id-0"] == 1, "delivered again")
    expect("graylisted" not in first.log() + second.log(), "Lattica is blamed")


def signed_record(bench):
    """The peer record of go-libp2p verifies under the deployed domain."""
    first = bench.starling("first")
    other = bench.foreign("p2pd")
    first.dial(other)
    answer = first.ask(f"identify {other.peer}")
    expect(int(answer["record"]) >= 1, answer)
    return f"{answer['record']} addresses"


TRAPS = [
    (version_mismatch, ["lattica"]), (version_is_tolerated, ["p2pd"]), (rsa_identity, ["kubo"]),
    (rsa_author, ["kubo", "p2pd"]), (half_close_through_p2pd, ["p2pd"]),
    (refused_protocols, ["lattica"]), (foreign_message_id, ["lattica"]), (signed_record, ["p2pd"]),
]


def run(bench, kinds):
    """Whether all traps for which the peers are there are passed by."""
    print("\n== traps", flush=True)
    is_green = True
    for trap, needed in TRAPS:
        if not set(needed) <= set(kinds):
            print(f"{trap.__name__}: skipped, needs {', '.join(needed)}", flush=True)
            continue
        try:
            remark = trap(bench)
            print(f"{trap.__name__}: green" + (f" ({remark})" if remark else ""), flush=True)
        except (Red, OSError) as error:
            is_green = False
            print(f"{trap.__name__}: RED {error}", flush=True)
            for node in bench.nodes:
                print(f"-- log of {node.name}", node.log()[-1_500:], sep="\n")
        bench.stop()
    return is_green
