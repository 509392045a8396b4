"""The mixed mesh of the interoperability suite: all implementations hear each other, once."""

import time

from nodes import Red, wait

MESSAGE_COUNT = 10
STARLING_COUNT = 4


def require_all(node, author, count, seconds=30):
    """Waits until a node has delivered all messages of an author."""
    wanted = {f"{author}-{number}" for number in range(count)}
    try:
        wait(lambda: wanted <= set(node.texts()), seconds, "")
    except Red:
        missing = sorted(wanted - set(node.texts()))
        raise Red(f"{node.name} misses {len(missing)} of {author}: {missing}") from None


def require_once(node):
    """Nothing was delivered twice, and nothing that was forged."""
    again = {text: count for text, count in node.texts().items() if count > 1}
    forged = [text for text in node.texts() if text.startswith("bad-")]
    if again or forged:
        raise Red(f"{node.name} delivered twice: {again}, forged: {forged}")


def build(bench, kinds):
    """Nodes in a ring in which starlings are neighbours only if foreign peers are missing, so that
    messages go through all; Lattica, which talks to its own protocolVersion alone, dials two."""
    starlings = [bench.starling(f"starling-s{number}") for number in range(STARLING_COUNT)]
    others = [
        bench.foreign(kind, f"mesh-{kind}", is_relay=kind == "p2pd")
        for kind in kinds if kind != "lattica"
    ]
    ring = []
    for place in range(max(len(starlings), len(others))):
        ring += starlings[place : place + 1] + others[place : place + 1]
    for place, node in enumerate(ring):
        node.dial(ring[(place + 1) % len(ring)])
    nodes = list(ring)
    for node in starlings:
        wait(lambda: len(node.ask("mesh")["peers"].split()) >= 2, 40, f"the mesh of {node.name}")
    time.sleep(4)  # the others' meshes have formed too
    if "lattica" in kinds:
        # It publishes the one message of its own at once.
        relays = [node for node in others if node.name == "mesh-p2pd"]
        nodes.append(
            bench.foreign(
                "lattica", "mesh-lattica", dials=[starlings[0], starlings[2]], relays=relays
            )
        )
    return starlings, nodes, [node for node in nodes if node.name == "mesh-lattica"]


def run(bench, kinds):
    """Whether every message reached every other node, and nothing else did."""
    print("\n== mixed mesh", flush=True)
    is_green = False
    try:
        starlings, nodes, lattica = build(bench, kinds)
        for node in nodes:
            _ = node.address
        if lattica:
            for node in [starlings[0], starlings[2]]:
                wait(
                    lambda: lattica[0].peer in node.ask("mesh")["subscribers"], 40,
                    "Lattica in the topic",
                )
            time.sleep(4)
        authors = [node for node in nodes if node.can_publish]
        for number in range(MESSAGE_COUNT):
            for node in authors:
                node.publish_number(number)
            time.sleep(0.3)
        for node in nodes:
            for author in authors:
                if author is not node:
                    require_all(node, author.tag, MESSAGE_COUNT)
        # starlings first: they do not listen any more to neighbours who sent a forged message.
        for starling in starlings:
            starling.forge(f"bad-{starling.tag}")
        for node in nodes:
            for starling in starlings:
                if starling is not node:
                    sound = f"ok-bad-{starling.tag}"
                    wait(lambda: node.texts()[sound], 20, f"{node.name} delivers {sound}")
        forgers = [node for node in nodes if node.can_forge and node not in starlings]
        for node in forgers:
            node.forge(f"bad-{node.tag}")
        if lattica and "p2pd" in kinds:
            # It has told of itself once, by the relay that p2pd is.
            for node in nodes:
                if node is not lattica[0]:
                    wait(
                        lambda: node.find("gossip", author=lattica[0].peer), 20,
                        f"{node.name} delivers Lattica's own message",
                    )
        time.sleep(3)
        print_counts(nodes, authors)
        for node in nodes:
            require_once(node)
        print(f"forged by {len(starlings) + len(forgers)} nodes: delivered nowhere")
        is_green = True
    except (Red, OSError) as error:
        print(f"mixed mesh: RED {error}")
        for node in bench.nodes:
            print(f"-- log of {node.name}", node.log()[-1_500:], sep="\n")
    bench.stop()
    return is_green


def print_counts(nodes, authors):
    """Nodes and what they heard; forgers' sound messages and Lattica's own are not counted."""
    print("| node | messages of others | delivered | twice |\n|---|---|---|---|")
    for node in nodes:
        texts = node.texts()
        wanted = [
            f"{author.tag}-{number}"
            for author in authors if author is not node for number in range(MESSAGE_COUNT)
        ]
        delivered = sum(text in texts for text in wanted)
        twice = sum(count > 1 for count in texts.values())
        print(f"| {node.name} | {len(wanted)} | {delivered} | {twice} |", flush=True)
