"""The acceptance scenarios that concern the network, each with real nodes on a network of their own.

Each returns what came of it in words; anything else than the outcome that is asked for is a Failure."""

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time

from nodes import Failure, Swarm, expect


def wrong_advertised_address():
    """Two fresh machines, one of which advertises an address that is nobody's."""
    with Swarm(2) as swarm:
        first, second = swarm.nodes
        swarm.init(500, 4, members=2)
        first.start()
        line = first.join_line()
        wrong = "/ip4/10.77.0.99/tcp/7411"
        done = second.run(
            "doctor", "--home", str(second.home), "--no-speed", "--peer", line, "--listen",
            f"/ip4/{swarm.network.address(1)}/tcp/7411", "--advertise", wrong, "--format", "json",
            check=False)
        checks = {item["check"]: item for item in json.loads(done.stdout)["network"]}
        expect(checks["reachable"]["outcome"] == "failed", f"doctor says {checks['reachable']}")
        expect(checks["reachable"].get("repair"), f"no repair: {checks['reachable']}")
        right = second.run(
            "doctor", "--home", str(second.home), "--no-speed", "--peer", line, "--listen",
            f"/ip4/{swarm.network.address(1)}/tcp/7411", "--format", "json", check=False)
        checks = {item["check"]: item for item in json.loads(right.stdout)["network"]}
        expect(checks["reachable"]["outcome"] == "passed", f"doctor says {checks['reachable']}")
        # It only dials out, then: it takes part all the same.
        second.start(line, "--advertise", wrong)
        swarm.await_round(3, seconds=180)
        return "doctor names 'reachable' and a repair, passes the right address; 3 rounds with the wrong one"


def coordinator_dies():
    """Three nodes; whichever one it is dies in training, with its update ready, and while others agree."""
    with Swarm(3) as swarm:
        swarm.init(500, 20, "--absent-rounds", "100", length=64)
        swarm.start_all()
        swarm.await_round(2)
        kills = 0
        for victim in swarm.nodes:
            others = [node for node in swarm.nodes if node is not victim]
            for moment in ("round", "update", "certified"):
                seen = len(victim.find(moment))
                swarm.await_(90, f"{moment} on {victim.name}",
                             lambda: len(victim.find(moment)) > seen)
                victim.kill()
                kills += 1
                reached = max(node.round() for node in others)
                swarm.await_round(reached + 2, others, 90)
                victim.start(others[0].join_line())
                victim.counts_again(others[0])
        waited = swarm.expect_waits()
        for node in swarm.nodes:
            node.stop()
            node.audit()
        return f"{kills} kills, {waited}, audits pass"


def slow_node():
    """One of three runs a twentieth of the time."""
    with Swarm(3) as swarm:
        # A round's training takes long enough that twenty times that is beyond any deadline.
        swarm.init(8, 120, length=128)
        swarm.start_all()
        slow = swarm.nodes[2]
        swarm.await_round(1)
        is_slow = True

        def hold_back():
            while is_slow and slow.process:
                try:
                    slow.process.send_signal(signal.SIGSTOP)
                    time.sleep(0.19)
                    slow.process.send_signal(signal.SIGCONT)
                    time.sleep(0.01)
                except (OSError, AttributeError):
                    return

        thread = threading.Thread(target=hold_back, daemon=True)
        thread.start()
        try:
            swarm.await_round(8, swarm.nodes[:2], 300)
        finally:
            is_slow = False
            thread.join()
            slow.process.send_signal(signal.SIGCONT)
        swarm.await_round(8, [slow], 120)
        swarm.same_digest()
        key = slow.status()["peer_id"]
        present = sum(key in item[1]["participants"]
                      for item in swarm.nodes[0].find("certified"))
        # Where it is not a participant, the round's statement has it among the absent.
        for _, record, _ in swarm.nodes[0].find("certified"):
            expect(record["members"] == 3, f"it was dropped: {record}")
        waited = swarm.expect_waits(swarm.nodes[:2])
        return (f"8 rounds, the slow one counts in {present} and is stated absent in {8 - present}; "
                f"{waited}")


def cut_link():
    """A link of 4 Mbit/s is cut for CUT_SECONDS (360 unless set) in the middle of an update's transfer."""
    seconds = float(os.environ.get("CUT_SECONDS", "360"))
    with Swarm(2) as swarm:
        # 2 x 17 chunks of 256 KiB a round: 9 s at 4 Mbit/s.
        described = swarm.init(3, 4, "--wire", "ring32", "--aggregation", "factor-mean",
                               "--quorum", "2", rank=1000, targets="all", length=32)
        update = described["update_bytes_max"]
        for host in range(2):
            swarm.network.limit(host, 4)
        swarm.start_all()
        swarm.await_round(1, seconds=300)
        before = swarm.network.received(1)
        swarm.await_(120, "an update on its way",
                     lambda: swarm.network.received(1) - before > update / 3)
        rounds = [node.round() for node in swarm.nodes]
        swarm.network.cut(1)
        time.sleep(seconds)
        expect([node.round() for node in swarm.nodes] == rounds, "a round was certified by one of two")
        expect(all(node.is_running() for node in swarm.nodes), "a node ended")
        swarm.network.mend(1)
        mended = time.monotonic()
        swarm.await_round(rounds[1] + 1, seconds=240)
        again = time.monotonic() - mended
        came = swarm.network.received(1) - before
        # The whole update, the adapter is made of it here, and headers; not an update and a third.
        expect(came < 1.3 * update, f"{came} bytes came of an update of {update}")
        swarm.await_round(3, seconds=240)
        for node in swarm.nodes:
            members = [item[1] for item in node.find("certified")]
            expect(all(len(item["participants"]) == 2 for item in members), f"lost a part: {members}")
        swarm.same_digest()
        return (f"cut for {seconds:.0f} s at 4 Mbit/s: the same round goes on, {came / 1e6:.1f} MB for an "
                f"update of {update / 1e6:.1f} MB, certified {again:.0f} s after the mending")


def kill_everyone_in_turn():
    """kill -9 of each of three nodes at random moments; all end with identical bytes."""
    generator = random.Random(5)
    with Swarm(3) as swarm:
        swarm.init(1000, 12, "--absent-rounds", "200")
        swarm.start_all()
        swarm.await_round(1)
        for turn in range(12):
            victim = swarm.nodes[turn % 3]
            time.sleep(generator.uniform(0.05, 1.5))
            victim.kill()
            other = swarm.nodes[(turn + 1) % 3]
            if turn % 4 == 3:  # Both at once: below the quorum, nothing is certified and nothing lost.
                other.kill()
                time.sleep(generator.uniform(0.1, 1))
                other.start(swarm.nodes[(turn + 2) % 3].join_line())
            watched = swarm.nodes[(turn + 2) % 3]
            victim.start(watched.join_line())
            for node in (victim, other):
                node.counts_again(watched)
        for node in swarm.nodes:
            node.stop()
        counts = {node.name: node.status()["round"] for node in swarm.nodes}
        last = max(counts.values())
        # Those behind take the certified state over when all are back.
        swarm.start_all()
        swarm.await_round(last + 1, seconds=120)
        for node in swarm.nodes:
            node.stop()
            node.audit()
        count = swarm.one_adapter_per_round()
        return f"15 kills over {count} rounds, one adapter each, audits pass"


def copied_folder():
    """A home is copied to a second host, and started there while the first runs."""
    with Swarm(3) as swarm:
        swarm.init(500, 8)
        line = swarm.start_all()
        swarm.await_round(2)
        copy = swarm.add()
        # Not what the running node replaces meanwhile.
        shutil.copytree(swarm.nodes[1].home, copy.home, ignore=shutil.ignore_patterns(
            "status.json*", "network.json*"))
        copy.start(line, "--log-level", "info")
        swarm.await_(60, "the copy is told", lambda: copy.find("duplicate")
                     or "another running node has this node's key" in copy.errors())
        reached = max(node.round() for node in swarm.nodes[:3])
        swarm.await_round(reached + 2, swarm.nodes[:3], 120)
        copy.kill()
        return "the copy is refused and says so; the three go on"


def joins_late():
    """Nodes join while the others are in a round."""
    with Swarm(3) as swarm:
        swarm.init(500, 20, length=64)
        line = swarm.start_all()
        took = []
        for moment in ("round", "update", "certified"):
            watched = swarm.nodes[0]
            seen = len(watched.find(moment))
            swarm.await_(60, moment, lambda: len(watched.find(moment)) > seen)
            joiner = swarm.add()
            began = time.monotonic()
            joiner.start(line)
            swarm.await_(60, "the newcomer counts", lambda: joiner.find("certified"))
            took.append(time.monotonic() - began)
        reached = max(node.round() for node in swarm.nodes)
        swarm.await_round(reached + 2, seconds=120)
        waited = swarm.expect_waits()
        for node in swarm.nodes:
            node.stop()
            node.audit()
        return f"3 newcomers in mid-round count after {max(took):.1f} s at most; {waited}"


def hostile_peer():
    """A member lies about its updates in six ways, and a stranger sends frames that are none."""
    program = os.environ.get("HOSTILE_MEMBER")
    expect(program, "HOSTILE_MEMBER names no program; build it: swift build --product HostileMember")
    with Swarm(3) as swarm:
        # Ring integers in the first layout, so that the liar can change the words.
        swarm.init(2000, 12, "--wire", "ring32", "--aggregation", "factor-mean")
        line = swarm.start_all()
        swarm.await_round(1)
        watched = swarm.nodes[0]
        reasons = {}
        for lie in ("scaled", "notANumber", "unknownTensor", "truncated", "tooLong", "replayed"):
            liar = swarm.add()
            address = swarm.network.address(liar.host)
            liar.process = subprocess.Popen(
                ["ip", "netns", "exec", swarm.network.hosts[liar.host], program, str(liar.home),
                 str(liar.data), line, f"/ip4/{address}/tcp/7411", lie],
                stdout=subprocess.DEVNULL, stderr=open(swarm.folder / f"{liar.name}.err", "a"))
            told, found = [], []

            def has_identity():
                done = liar.run("status", "--home", str(liar.home), "--format", "json", check=False)
                told[:] = [json.loads(done.stdout)["peer_id"]] if done.returncode == 0 else []
                return bool(told)

            swarm.await_(60, f"the {lie} liar follows the federation", has_identity)

            def is_refused():
                found[:] = [item["reason"] for item in watched.status()["absences"]
                            if item["peer"] == told[0] and "refused" in item["reason"]]
                return bool(found)

            swarm.await_(90, f"{lie} is refused", is_refused)
            reasons[lie] = found[0]
            liar.kill()
            swarm.nodes.remove(liar)
            # Else the dead soon were half of the members, and no round could be certified.
            swarm.await_(90, f"the {lie} liar is a member no longer",
                         lambda: told[0] not in watched.status()["members"])
        members = swarm.nodes[:3]
        swarm.await_round(max(node.round() for node in members) + 1, members, 120)
        before = [node.resources() for node in members]
        stranger = swarm.add()
        done = subprocess.run(
            ["ip", "netns", "exec", swarm.network.hosts[stranger.host], program, "frames", line],
            text=True, capture_output=True, timeout=120)
        expect(done.returncode == 0, done.stderr[-500:])
        swarm.nodes.remove(stranger)
        swarm.await_round(max(node.round() for node in members) + 3, members, 120)
        for node, (resident, descriptors) in zip(members, before):
            now, open_now = node.resources()
            expect(now < resident + (32 << 20), f"{node.name}: {resident} bytes became {now}")
            expect(open_now <= descriptors + 4, f"{node.name}: {descriptors} became {open_now}")
        expect(watched.find("refused"), "no frame was refused with a reason")
        for node in members:
            node.stop()
            node.audit()
        swarm.one_adapter_per_round(members)
        prefix = "The member's update was refused: "
        told = "; ".join(f"{lie}: {reason.removeprefix(prefix)}" for lie, reason in reasons.items())
        return f"{told} Frames: {done.stdout.strip().replace(chr(10), ', ')}. Audits pass"


def publishes_and_ends():
    """All rounds are done: every process ends by itself with 0 and holds the certified result."""
    with Swarm(3) as swarm:
        swarm.init(4, 8)
        swarm.start_all(stay=False)
        for node in swarm.nodes:
            node.await_exit(180)
        digest = swarm.same_digest()
        for node in swarm.nodes:
            expect(node.find("ended", ending="finished"), f"{node.name} does not say that it ended")
            node.audit()
            folder = swarm.folder / f"{node.name}.peft"
            node.run("export", str(folder), "--home", str(node.home), "--format", "peft")
        return f"three exit codes of 0, {digest[:12]} exported by each"


def bootstrap_gone():
    """The first node dies for good; the others go on, and newcomers join through any of them."""
    with Swarm(4) as swarm:
        swarm.init(500, 8)
        swarm.start_all()
        swarm.await_round(2)
        swarm.nodes[0].kill()
        swarm.network.cut(0)
        rest = swarm.nodes[1:]
        swarm.await_round(max(node.round() for node in rest) + 3, rest, 180)
        for through in rest[1:]:
            joiner = swarm.add()
            joiner.start(through.join_line())
            swarm.await_(90, "the newcomer counts", lambda: joiner.find("certified"))
            rest.append(joiner)
        # One that is started again without a join line finds them by what it remembers.
        rest[0].stop()
        rest[0].start()
        swarm.await_round(max(node.round() for node in rest) + 2, rest, 180)
        return f"{len(rest)} nodes without the first one, two of them joined through others"


def kill_per_round():
    """Eight nodes at 4 to 30 Mbit/s, 20 ms apart, of which one is killed in each of twenty rounds."""
    generator = random.Random(14)
    with Swarm(8, delay=(10, 2, 2, 1)) as swarm:
        swarm.init(20, 12, "--wire", "ring32", "--aggregation", "factor-mean", rank=32,
                   targets="all", length=64)
        rates = [4, 6, 8, 10, 15, 20, 25, 30]
        for host, rate in enumerate(rates):
            swarm.network.limit(host, rate)
        swarm.start_all()
        killed = []
        victim = None
        for number in range(1, 21):
            running = [node for node in swarm.nodes if node is not victim]
            swarm.await_(120, f"round {number} begins", lambda: any(
                node.find("round", round=str(number)) for node in running))
            if victim is not None:
                victim.start(running[0].join_line())
            victim = swarm.nodes[generator.randrange(8)]
            time.sleep(generator.uniform(0.1, 2))
            victim.kill()
            killed.append(victim.host)
            swarm.await_round(number, [node for node in swarm.nodes if node is not victim], 180)
        victim.start(next(node for node in swarm.nodes if node is not victim).join_line())
        swarm.await_round(20, seconds=120)
        waited = swarm.expect_waits()
        digest = swarm.same_digest()
        counts = [len(item[1]["participants"]) for item in max(
            (node.find("certified") for node in swarm.nodes), key=len)]
        expect(min(counts) >= 5, f"a round of {min(counts)} participants")
        return (f"20 of 20 rounds, {len(killed)} kills of nodes {sorted(set(killed))}, "
                f"{min(counts)} to {max(counts)} participants, {waited}, all hold {digest[:12]}")


SCENARIOS = {
    1: wrong_advertised_address,
    2: coordinator_dies,
    3: slow_node,
    4: cut_link,
    5: kill_everyone_in_turn,
    6: copied_folder,
    7: joins_late,
    8: hostile_peer,
    12: publishes_and_ends,
    13: bootstrap_gone,
    14: kill_per_round,
}
