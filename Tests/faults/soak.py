"""Lets a federation run under churn and holds its memory and descriptors against a straight line:
soak.py MINUTES

Six nodes on links of 50 ms: two that stay, three that are killed, stopped and cut off in turn, and a
visitor that comes and goes. The two that stay are measured; what grows is stated per round, too."""

import random
import statistics
import sys
import time

from nodes import Failure, Swarm, expect

# After the warm-up of a sixth of the time, at most 10.
RESIDENT_BYTES_PER_HOUR_MAX = 4 << 20
DESCRIPTOR_GROWTH_MAX = 2


def slope(points):
    """Of the straight line of least squares, per second."""
    mean_x = statistics.fmean(x for x, _ in points)
    mean_y = statistics.fmean(y for _, y in points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread


def tell(name, rows):
    """Prints the line through the rows; bytes an hour, and the descriptors early and late."""
    if len(rows) < 30:
        return 0, 0, 0
    rounds = rows[-1][3] - rows[0][3]
    growth = slope([(row[0], row[1]) for row in rows]) * 3600
    seconds = rows[-1][0] - rows[0][0]
    third = len(rows) // 3
    first = statistics.median(row[2] for row in rows[:third])
    last = statistics.median(row[2] for row in rows[-third:])
    print(f"{name}: {rows[0][1] / 1e6:.1f} MB after the warm-up, {rows[-1][1] / 1e6:.1f} MB "
          f"{seconds / 60:.0f} min later, {growth / 1e6:+.2f} MB an hour, "
          f"{growth * seconds / 3600 / max(1, rounds):+.0f} bytes a round over {rounds} rounds; "
          f"descriptors {first:.0f} then {last:.0f}, {max(row[2] for row in rows)} at most", flush=True)
    return growth, first, last


def churn(swarm, generator, counts):
    """One thing that happens to a node that does not stay."""
    victim = swarm.nodes[generator.choice([2, 3, 4])]
    line = swarm.nodes[generator.choice([0, 1])].join_line()
    kind = generator.choice(["kill", "stop", "cut", "visit"])
    counts[kind] = counts.get(kind, 0) + 1
    pause = generator.uniform(1, 10)
    if kind == "kill":
        victim.kill()
        time.sleep(pause)
        victim.start(line)
    elif kind == "stop":
        victim.stop()
        time.sleep(pause)
        victim.start(line)
    elif kind == "cut":
        host = generator.choice([0, 1, 2, 3, 4])
        swarm.network.cut(host)
        time.sleep(pause)
        swarm.network.mend(host)
    else:
        visitor = swarm.nodes[5]
        visitor.start(line)
        time.sleep(pause)
        visitor.stop()


def main(minutes):
    generator = random.Random(1)
    with Swarm(6, delay=(50, 5, 2, 1)) as swarm:
        swarm.init(100_000, 4, members=5)
        swarm.nodes[0].start()
        line = swarm.nodes[0].join_line()
        for node in swarm.nodes[1:5]:
            node.start(line)
        swarm.await_round(2, swarm.nodes[:5])
        began = time.monotonic()
        warm = began + min(600, minutes * 10)
        end = began + minutes * 60
        rows = {node.name: [] for node in swarm.nodes[:2]}
        counts = {}
        told = began
        reached = 0
        next_event = began
        while time.monotonic() < end:
            now = time.monotonic()
            for node in swarm.nodes[:2]:
                expect(node.is_running(), f"{node.name} ended: {node.errors()[-500:]}")
                resident, descriptors = node.resources()
                rows[node.name].append((now, resident, descriptors, node.round()))
            if now >= next_event:
                churn(swarm, generator, counts)
                next_event = time.monotonic() + generator.uniform(5, 20)
            if now - told >= 300:
                told = now
                expect(swarm.nodes[0].round() > reached, f"no round in 300 s after {reached}")
                reached = swarm.nodes[0].round()
                resident, descriptors = swarm.nodes[0].resources()
                print(f"{(now - began) / 60:.0f} min: round {reached}, {resident / 1e6:.1f} MB, "
                      f"{descriptors} descriptors, {counts}", flush=True)
                for node in swarm.nodes[:2]:
                    tell(node.name, [row for row in rows[node.name] if row[0] >= warm])
            for node in swarm.nodes:
                # What was read of the nodes does not grow without end either.
                del node.samples[:-8], node.events[:-400]
            time.sleep(2)
        failures = []
        for name, all_rows in rows.items():
            growth, first, last = tell(name, [row for row in all_rows if row[0] >= warm])
            if growth > RESIDENT_BYTES_PER_HOUR_MAX:
                failures.append(f"{name} grows by {growth / 1e6:.1f} MB an hour")
            if last > first + DESCRIPTOR_GROWTH_MAX:
                failures.append(f"{name} has {last - first:.0f} descriptors more")
        for host in range(5):
            try:
                swarm.network.mend(host)
            except Exception:
                pass  # It was not cut.
        swarm.await_round(swarm.nodes[0].round() + 3, swarm.nodes[:2], 120)
        for node in swarm.nodes[:2]:
            node.stop()
            node.audit()
        print(f"churn: {counts}; audits pass", flush=True)
        expect(not failures, "; ".join(failures))


try:
    main(float(sys.argv[1]))
except Failure as failure:
    print(f"soak: FAILED: {failure}", file=sys.stderr)
    sys.exit(1)
print("soak: memory and descriptors stay")
