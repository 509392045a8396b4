"""Makes Markdown of bench.py's JSON lines."""
import statistics


def spread(values, places=0):
    """Median (least to greatest)."""
    middle, low, high = (f"{f(values):.{places}f}" for f in (statistics.median, min, max))
    return f"{middle} ({low}–{high})" if low != high else middle


def mebibytes(runs):
    return f"{statistics.median(run['peak_kib'] for run in runs) / 1024:.0f}"


def ratio(runs, others, field):
    """Of each pair, so that a machine that slows down for both changes nothing."""
    mine, theirs = ({run["pair"]: run[field] for run in side} for side in (runs, others))
    return spread([mine[pair] / theirs[pair] for pair in mine if pair in theirs], 2)


def select(records, row, system):
    return [r for r in records if r.get("row") == row and r["system"] == system]


def share(runs, limits):
    if not limits:
        return ""
    limit = {run["pair"]: run["limit_tokens_per_second"] for run in limits}
    shares = [100 * run["tokens_per_second"] / limit[run["pair"]] for run in runs if run["pair"] in limit]
    return f"{statistics.median(shares):.0f} %" if shares else ""


def lines_of(records, row):
    """One line of the table for every system that the row's first one is compared with."""
    first, *others = row["systems"]
    runs = select(records, row["name"], first)
    if not runs:
        return
    speed = spread([run["tokens_per_second"] for run in runs])
    own = [speed, share(runs, select(records, row["name"], "limit")), mebibytes(runs)]
    for other in others:
        theirs = select(records, row["name"], other)
        if not theirs:
            continue
        everyone = runs + theirs
        yield [
            row["name"], *own, other, spread([run["tokens_per_second"] for run in theirs]), mebibytes(theirs),
            ratio(runs, theirs, "tokens_per_second"), ratio(runs, theirs, "peak_kib"),
            f"{100 * statistics.median(run['foreign_cpu_share'] for run in everyone):.0f} %",
        ]  # fmt: skip


HEAD = [
    "row", "starling, tokens/s", "of the limit", "peak MiB", "compared with", "its tokens/s", "its peak MiB",
    "speed, ratio", "memory, ratio", "others' CPU",
]  # fmt: skip


def markdown(records):
    header = next(r for r in records if r["record"] == "machine")
    rows = [r for r in records if r["record"] == "row"]
    runs = [r for r in records if r["record"] == "run"]
    text = [
        f"{header['processor']}, {header['cores']} cores ({header['features']}), {header['memory_gib']} GiB, "
        f"{header['system']}; {header['threads']} threads; {header['date']}; {header['model']}; "
        f"starling {header['commit']}{kernels(runs)}{versions(runs)}. Medians of {header['pairs']} pairs of "
        f"processes with {header['steps']} steps each (least–greatest).",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
    ]
    for row in rows:
        text += ["| " + " | ".join(line) + " |" for line in lines_of(runs, row)]
    return "\n".join(text)


def kernels(runs):
    found = {run["kernels"] for run in runs if "kernels" in run}
    return "".join(f", {line}" for line in sorted(found))


def versions(runs):
    found = {}
    for run in runs:
        found |= run.get("versions", {})
    return "".join(f"; {name} {version}" for name, version in found.items())
