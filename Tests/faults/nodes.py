"""Starling processes on the hosts of a network, and what is read of them: the events that they print,
the status that they write, memory and descriptors of the process."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from network import Network

# An end from outside takes the nodes and the network with it; a shell's background job ignores SIGINT.
for number in (signal.SIGTERM, signal.SIGINT):
    signal.signal(number, lambda number, frame: sys.exit(128 + number))

HERE = pathlib.Path(__file__).parent
STARLING = os.environ.get("STARLING", "starling")


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


class Node:
    def __init__(self, swarm, host, name):
        self.swarm, self.host, self.name = swarm, host, name
        self.home = swarm.folder / name
        self.process = None
        self.events = []  # (time, record, number of the life)
        self.samples = []  # (time, status.json)
        self.life = 0
        self.listening = (0, None)  # The life that listens, and its join line.
        self.exit_codes = []
        data = swarm.folder / f"{name}.txt"
        if not data.exists():
            data.write_text("".join(
                f"{name} counts: {number} times {host + 3} is {number * (host + 3)}, as before.\n"
                for number in range(1, 201)))
        self.data = data

    def run(self, *arguments, check=True):
        """A command on this host; what it printed as JSON, or its end."""
        done = subprocess.run(
            ["ip", "netns", "exec", self.swarm.network.hosts[self.host], STARLING, *arguments],
            text=True, capture_output=True, timeout=120)
        if check:
            expect(done.returncode == 0, f"{arguments}: {done.returncode} {done.stderr[-500:]}")
        return done

    def start(self, join=None, *flags, stay=True):
        expect(self.process is None, f"{self.name} runs already")
        self.life += 1
        address = self.swarm.network.address(self.host)
        arguments = [
            "run", "--home", str(self.home), "--data", str(self.data), "--held-out", "0",
            "--listen", f"/ip4/{address}/tcp/7411", "--threads", "1", "--format", "json",
            *(["--join", join] if join else []), *(["--stay"] if stay else ["--linger", "20"]),
            *flags]
        errors = open(self.swarm.folder / f"{self.name}.err", "a")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", self.swarm.network.hosts[self.host], STARLING, *arguments],
            stdout=subprocess.PIPE, stderr=errors, text=True)
        errors.close()
        threading.Thread(
            target=self.listen, args=(self.process, self.life), daemon=True).start()

    def listen(self, process, life):
        for line in process.stdout:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if record.get("event") == "listening":
                self.listening = (life, record["join"])
            self.events.append((time.monotonic(), record, life))

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def await_up(self):
        """Until this life listens: before, a signal may find nobody who minds it."""
        self.swarm.await_(180, f"{self.name} listens", lambda: self.listening[0] == self.life)

    def stop(self, seconds=180):
        self.await_up()
        self.process.send_signal(signal.SIGTERM)
        self.await_exit(seconds)

    def await_exit(self, seconds):
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end within {seconds} s") from None
        self.process = None
        self.exit_codes.append(code)
        expect(code == 0, f"{self.name} ended with {code}: {self.errors()[-400:]}")

    def errors(self):
        return (self.swarm.folder / f"{self.name}.err").read_text()

    def join_line(self):
        self.swarm.await_(60, f"{self.name} listens", lambda: self.listening[0] == self.life)
        return self.listening[1]

    def key(self):
        return self.join_line().rsplit("/", 1)[1]

    def counts_again(self, watched):
        """Waits until a round that was certified from now on, by another node's word, has this one in
        it."""
        key, seen = self.key(), len(watched.find("certified"))
        self.swarm.await_(120, f"{self.name} counts again", lambda: any(
            key in item[1]["participants"] for item in watched.find("certified")[seen:]))

    def find(self, event, **fields):
        return [item for item in list(self.events) if item[1].get("event") == event
                and all(item[1].get(key) == value for key, value in fields.items())]

    def live(self):
        """What the running node last wrote of itself."""
        try:
            return json.loads((self.home / "status.json").read_text())
        except (OSError, ValueError):
            return None

    def round(self):
        rounds = [item[1]["round"] for item in self.find("certified")]
        caught = [int(item[1]["round"]) for item in self.find("adopted")]
        return max(rounds + caught, default=0)

    def status(self):
        return json.loads(self.run("status", "--home", str(self.home), "--format", "json").stdout)

    def digest(self):
        return self.status()["adapter_digest"]

    def audit(self):
        done = self.run("audit", "--home", str(self.home), "--format", "json")
        expect(json.loads(done.stdout)["ok"] is True, f"the audit of {self.name}: {done.stdout}")

    def resources(self):
        """Resident bytes of the process's own and open descriptors.

        Not the pages of files, the store's map and the program itself, which the kernel keeps as it
        likes."""
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        lines = (folder / "status").read_text().splitlines()
        kilobytes = next(line for line in lines if line.startswith("RssAnon:")).split()[1]
        return int(kilobytes) * 1024, len(list((folder / "fd").iterdir()))


class Swarm:
    """Nodes on a network, with one folder for all that they keep."""

    def __init__(self, count, delay=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="starling-faults."))
        self.network = Network(count, delay)
        self.nodes = [Node(self, host, f"node{host}") for host in range(count)]
        self.model = self.folder / "model"
        subprocess.run(
            ["python3", str(HERE.parent / "node" / "tiny_model.py"), str(self.model)], check=True)
        self.is_watching = True
        self.watcher = threading.Thread(target=self.watch, daemon=True)
        self.watcher.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.is_watching = False
        if error is not None and os.environ.get("KEEP"):
            print(f"kept: {self.folder}")
            for node in self.nodes:
                with open(self.folder / f"{node.name}.events", "w") as file:
                    for at, record, life in node.events:
                        file.write(f"{at:.2f} {life} {json.dumps(record)}\n")
        for node in self.nodes:
            if node.process is not None:
                node.kill()
        self.network.close()
        if not (error is not None and os.environ.get("KEEP")):
            shutil.rmtree(self.folder, ignore_errors=True)

    def watch(self):
        while self.is_watching:
            for node in list(self.nodes):
                process = node.process  # A scenario may kill it meanwhile.
                is_running = process is not None and process.poll() is None
                sample = node.live() if is_running else None
                if sample and sample.get("processID") == process.pid:
                    node.samples.append((time.monotonic(), sample))
            time.sleep(0.25)

    def add(self):
        host = self.network.add()
        node = Node(self, host, f"node{host}")
        self.nodes.append(node)
        return node

    def init(self, rounds, steps, *flags, members=None, rank=4, length=32, targets="q_proj,v_proj"):
        self.rounds = rounds
        return json.loads(self.nodes[0].run(
            "init", "--home", str(self.nodes[0].home), "--model", str(self.model), "--rounds",
            str(rounds), "--local-steps", str(steps), "--batch", "1", "--length", str(length),
            "--rank", str(rank), "--targets", targets, "--members",
            str(members or len(self.nodes)), "--format", "json", *flags).stdout)

    def start_all(self, *flags, stay=True):
        self.nodes[0].start(None, *flags, stay=stay)
        line = self.nodes[0].join_line()
        for node in self.nodes[1:]:
            node.start(line, *flags, stay=stay)
        return line

    def await_(self, seconds, what, condition):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if condition():
                return
            time.sleep(0.1)
        where = ", ".join(f"{node.name} round {node.round()}" for node in self.nodes)
        raise Failure(f"within {seconds} s not: {what} ({where})")

    def await_round(self, round_, nodes=None, seconds=240):
        nodes = self.nodes if nodes is None else nodes
        self.await_(seconds, f"round {round_} on {[node.name for node in nodes]}",
                    lambda: all(node.round() >= round_ for node in nodes))

    def same_digest(self, nodes=None):
        digests = {node.name: node.digest() for node in (nodes or self.nodes)}
        expect(len(set(digests.values())) == 1, f"the adapters differ: {digests}")
        return next(iter(digests.values()))

    def one_adapter_per_round(self, nodes=None):
        """Nodes that are stopped one by one end in different rounds; the number of rounds."""
        by_round = {}
        for node in nodes or self.nodes:
            for _, record, _ in node.find("certified"):
                by_round.setdefault(record["round"], set()).add(record["adapter_digest"])
        expect(all(len(found) == 1 for found in by_round.values()),
               f"a round has two adapters: {by_round}")
        return len(by_round)

    def waits(self):
        """Of each round and node that went through it in one life: the seconds from its beginning to
        its certificate, those from the own update on, and the deadline as the node last told it."""
        rows = []
        for node in self.nodes:
            starts, updates = {}, {}
            for at, record, life in list(node.events):
                event, number = record.get("event"), int(record.get("round", 0))
                if event == "round":
                    starts[number] = (at, life)
                elif event == "update":
                    updates[number] = (at, life)
                elif event == "certified":
                    start, update = starts.get(number), updates.get(number)
                    if not (start and update and start[1] == update[1] == life):
                        continue
                    seen = [sample[1]["secondsToDeadline"] + sample[0] - start[0]
                            for sample in list(node.samples)
                            if start[0] < sample[0] < at and sample[1]["secondsToDeadline"] != 0]
                    rows.append((node.name, number, at - start[0], at - update[0],
                                 seen[-1] if seen else None))
        return rows

    def expect_waits(self, nodes=None):
        """Nobody waited for others longer than one deadline; the longest wait and its deadline.

        A round that was over before its deadline was on record has the shortest one, 5 s."""
        names = {node.name for node in (nodes or self.nodes)}
        rows = [(name, number, waited, max(5, deadline or 5))
                for name, number, _, waited, deadline in self.waits() if name in names]
        expect(rows, "no round was measured")
        name, number, waited, deadline = max(rows, key=lambda row: row[2] - row[3])
        expect(waited <= deadline,
               f"{name} waited {waited:.1f} s in round {number}, its deadline was {deadline:.1f} s")
        return f"longest wait {waited:.1f} s where the deadline was {deadline:.1f} s"
