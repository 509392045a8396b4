"""The processes of the interoperability suite, and how it talks with them.

Standard library alone.
"""

import collections
import json
import os
import re
import subprocess
import threading
import time

READY_SECONDS = 60
TERMINAL_CODES = re.compile(r"\x1b\[[0-9;]*m")


class Red(Exception):
    """A cell that does not hold."""


def wait(condition, seconds, what):
    """The first truth of a condition, or a red cell."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Red(f"not within {seconds} s: {what}")
        time.sleep(0.05)


class Node:
    """A program that takes lines and answers with JSON; see foreign.py."""

    # How streams are read back that this side answers, and under which protocol it answers.
    echo_protocol = "/test/echo/1.0.0"
    echo_end = "fin"
    stream_remark = "half-close both ways"
    shows_identify = True
    can_ping = True
    can_publish = True
    can_forge = True

    def __init__(self, name, arguments, folder, seconds, environment=None):
        self.name = name
        # What its messages begin with: Lattica's log shows 10 bytes of a message.
        self.tag = name.split("-")[-1]
        self.events = []
        self.lines = []
        self.answers = 0
        self.error_path = os.path.join(folder, f"{name}.err")
        with open(self.error_path, "w") as errors:
            # The time limit holds even if this program is gone.
            self.process = subprocess.Popen(
                ["timeout", "-s", "KILL", str(seconds), *arguments],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                bufsize=1, start_new_session=True,
                env={
                    **os.environ, "SWIFT_BACKTRACE": "enable=no", "TMPDIR": folder,
                    **(environment or {}),
                },
            )
        self.ready = None
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            line = TERMINAL_CODES.sub("", line.rstrip("\n"))
            if line.startswith("READY "):
                self.ready = line.split()[1]
            elif line.startswith('{"event"'):
                try:
                    self.events.append(json.loads(line))
                except ValueError:
                    self.lines.append(line)
            else:
                self.lines.append(line)

    @property
    def address(self):
        return wait(lambda: self.ready, READY_SECONDS, f"{self.name} is ready")

    @property
    def peer(self):
        return self.address.split("/p2p/")[1]

    @property
    def transport_address(self):
        return self.address.split("/p2p/")[0]

    def log(self):
        with open(self.error_path) as file:
            return file.read() + "\n".join(self.lines)

    def ask(self, line, seconds=30):
        """The answer to a line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        self.answers += 1
        number = self.answers

        def answer():
            found = [e for e in list(self.events) if e["event"] == "answer"]
            return found[number - 1] if len(found) >= number else None

        value = wait(answer, seconds, f"{self.name} answers {line}")
        if "error" in value:
            raise Red(f"{self.name} {line.split()[0]}: {value['error']}")
        return value

    def find(self, event, **values):
        """Events with these values."""
        return [
            e for e in list(self.events)
            if e["event"] == event and all(str(e.get(k)) == v for k, v in values.items())
        ]

    def texts(self):
        """What was delivered, and how often."""
        return collections.Counter(e["data"] for e in self.find("gossip"))

    def dial(self, other):
        self.ask(f"dial {other.address}")

    def publish(self, text):
        self.ask(f"publish {text}")

    def forge(self, text):
        self.ask(f"forge {text}")

    def publish_number(self, number):
        self.publish(f"{self.tag}-{number}")

    def call_arguments(self, other, byte_count):
        """The line with which starling asks this kind of peer for its bytes back."""
        return f"echo {other} {self.echo_protocol} {byte_count} {self.echo_end}"

    def stop(self):
        """Ends the process and what it has started: they have a session of their own."""
        try:
            os.killpg(self.process.pid, 9)
        except ProcessLookupError:
            pass
        self.process.wait()


class Starling(Node):
    """starling's swarm."""

    def saw(self, text, seconds=20):
        wait(lambda: re.search(text, self.log()), seconds, f"{self.name} logs {text}")


class Python(Node):
    """py-libp2p."""


class Daemon(Node):
    """p2pd: a FIN of either side ends both directions of what it carries."""

    echo_end = "count"
    stream_remark = "by count; half-close n/a"


class Go(Node):
    """go-libp2p within the process; its call that closes a stream closes both directions."""

    stream_remark = "half-close by starling; by it n/a"


class Kubo(Node):
    """Kubo: it hands streams below /x/ to local sockets, and a FIN ends both directions.

    Its library opens streams below /x/ alone, so it can neither ping nor send a frame by hand.
    """

    echo_protocol = "/x/echo"
    echo_end = "count"
    stream_remark = "by count; half-close n/a"
    shows_identify = False
    can_ping = False
    can_forge = False


class Lattica(Node):
    """rust-libp2p: dials what it is started with; its gossip is read from its log."""

    stream_remark = "request and response, half-close both ways"
    can_publish = False
    can_forge = False
    heard = re.compile(r"gossipsub event Message \{.* message: Message \{ data: ([0-9A-Fa-f]*)")

    def texts(self):
        found = (self.heard.search(line) for line in list(self.lines))
        return collections.Counter(bytes.fromhex(m.group(1)).decode() for m in found if m)

    def call_arguments(self, other, byte_count):
        return f"call {other} {byte_count}"
