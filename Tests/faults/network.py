"""Hosts in network namespaces of their own on one Ethernet, and what goes wrong on it.

A hub namespace has a bridge; each host has a veth to it. Rates are token buckets at both ends of the
veth, cuts and losses are nftables rules on the bridge, delay and reordering come from bridge.c
between a host's veth and the bridge. Nothing leaves the namespaces. Needs root and Linux."""

import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).parent


def sh(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


class Network:
    def __init__(self, count, delay=None):
        """`delay` is (milliseconds, jitter in milliseconds, loss and doubles per thousand) of each
        host's way to the hub, or nothing for a plain Ethernet."""
        self.prefix = f"sf{tempfile.mktemp(dir='')[-6:]}"
        self.hub = f"{self.prefix}-hub"
        self.hosts = []
        self.bridges = []
        self.delay = delay
        sh("ip", "netns", "add", self.hub)
        self.in_hub("ip", "link", "add", "br0", "type", "bridge")
        self.in_hub("ip", "link", "set", "br0", "up")
        self.rules("""table bridge fault {
            set cut { type ifname; }
            set one { type ifname; }
            set other { type ifname; }
            chain forward { type filter hook forward priority 0;
                iifname @cut drop
                oifname @cut drop
                iifname @one oifname @other drop
                iifname @other oifname @one drop
            }
        }""")
        for _ in range(count):
            self.add()

    def in_hub(self, *command, **options):
        return sh("ip", "netns", "exec", self.hub, *command, **options)

    def rules(self, text):
        self.in_hub("nft", "-f", "-", input=text)

    def add(self):
        """A further host; its number."""
        host = len(self.hosts)
        name = f"{self.prefix}-{host}"
        sh("ip", "netns", "add", name)
        self.hosts.append(name)
        sh("ip", "-n", name, "link", "set", "lo", "up")
        self.in_hub("ip", "link", "add", f"h{host}", "type", "veth", "peer", "name", "eth0",
                    "netns", name)
        sh("ip", "-n", name, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        self.in_hub("ip", "link", "set", f"h{host}", "up")
        if self.delay:
            self.in_hub("ip", "link", "add", f"p{host}", "type", "veth", "peer", "name", f"q{host}")
            offloads = ["tx", "off", "tso", "off", "gso", "off", "gro", "off"]
            sh("ip", "netns", "exec", name, "ethtool", "-K", "eth0", *offloads)
            for link in (f"h{host}", f"p{host}", f"q{host}"):
                self.in_hub("ethtool", "-K", link, *offloads)
                self.in_hub("ip", "link", "set", link, "up")
            self.in_hub("ip", "link", "set", f"q{host}", "master", "br0")
            milliseconds, jitter, loss, doubled = self.delay
            self.bridges.append(subprocess.Popen(
                ["ip", "netns", "exec", self.hub, str(self.bridge_program()), f"h{host}",
                 f"p{host}", str(int(milliseconds * 1000)), str(int(jitter * 1000)), str(loss),
                 str(doubled), str(host + 1)]))
        else:
            self.in_hub("ip", "link", "set", f"h{host}", "master", "br0")
        return host

    def bridge_program(self):
        path = pathlib.Path(tempfile.gettempdir()) / f"{self.prefix}-bridge"
        if not path.exists():
            sh("cc", "-O2", "-o", str(path), str(HERE / "bridge.c"))
        return path

    def address(self, host):
        return f"10.77.0.{host + 1}"

    def port(self, host):
        """The host's interface on the bridge."""
        return f"q{host}" if self.delay else f"h{host}"

    def limit(self, host, megabits):
        """So much in each direction, with a queue of a fifth of a second."""
        bucket = ["root", "tbf", "rate", f"{megabits}mbit", "burst", "32kb", "latency", "200ms"]
        sh("ip", "netns", "exec", self.hosts[host], "tc", "qdisc", "replace", "dev", "eth0", *bucket)
        self.in_hub("tc", "qdisc", "replace", "dev", f"h{host}", *bucket)

    def cut(self, host):
        """Frames from and to the host are dropped; nobody is told."""
        self.rules(f'add element bridge fault cut {{ "{self.port(host)}" }}')

    def mend(self, host):
        self.rules(f'delete element bridge fault cut {{ "{self.port(host)}" }}')

    def part(self, one, other):
        """Hosts of the two sides do not reach each other."""
        for name, side in (("one", one), ("other", other)):
            ports = ", ".join(f'"{self.port(host)}"' for host in side)
            self.rules(f"add element bridge fault {name} {{ {ports} }}")

    def join(self):
        for name in ("one", "other"):
            self.rules(f"flush set bridge fault {name}")

    def received(self, host):
        """Bytes that came to the host since it was made."""
        text = sh("ip", "netns", "exec", self.hosts[host], "cat", "/proc/net/dev")
        line = next(line for line in text.splitlines() if line.strip().startswith("eth0:"))
        return int(line.split(":")[1].split()[0])

    def close(self):
        for bridge in self.bridges:
            bridge.kill()
            bridge.wait()
        for name in self.hosts + [self.hub]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        (pathlib.Path(tempfile.gettempdir()) / f"{self.prefix}-bridge").unlink(missing_ok=True)
