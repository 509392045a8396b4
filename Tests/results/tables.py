"""Writes the tables of docs/results.md from the records: tables.py RECORDS PAGE ARMS

A table stands between the marks `<!-- table NAME -->` and `<!-- end -->` of the page; what is outside
them is left alone. ARMS is the list of arms that `run.sh` knows, one a line."""
import json
import pathlib
import re
import sys

folder, page, arms = (pathlib.Path(argument) for argument in sys.argv[1:])
names = [line.split()[0] for line in arms.read_text().splitlines() if line]
records = {path.stem: json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))}


def bits(record):
    return [node["bits_per_byte"] for node in record["nodes"]]


def mean(values):
    return sum(values) / len(values)


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def ordered(dataset):
    """The records of a data set in the order of the list, others behind them."""
    known = [name for name in names if name in records]
    others = [name for name in records if name not in names]
    return [(name, records[name]) for name in known + others if name.startswith(dataset + "-")]


def better(record, local):
    """How many nodes are better off than alone."""
    if local is None or record["settings"]["kind"] in ("base", "local"):
        return ""
    wins = sum(ours < alone for ours, alone in zip(bits(record), bits(local)))
    return f"{wins} of {len(record['nodes'])}"


def against(record, other):
    if other is None or record is other:
        return ""
    return f"{100 * (mean(bits(record)) / mean(bits(other)) - 1):+.2f} %"


def text_table(dataset):
    local, pooled = records.get(f"{dataset}-local"), records.get(f"{dataset}-pooled")
    rows = []
    for name, record in ordered(dataset):
        rounds = record["rounds"]
        sent = [node["update_byte_count"] for node in record["nodes"] if "update_byte_count" in node]
        size = "" if not sent else f"{mean(sent):,.0f}"
        total = "" if not rounds else f"{sum(r['update_byte_count'] for r in rounds) / 1e6:.1f}"
        rows.append([
            name.removeprefix(dataset + "-"), f"{mean(bits(record)):.4f}", f"{max(bits(record)):.4f}",
            against(record, local), better(record, local), against(record, pooled), size, total,
            f"{record['processor_seconds'] / 60:.0f}",
        ])
    return table(
        ["arm", "mean", "worst", "against local", "nodes better than alone", "against pooled",
         "bytes of an update", "MB of all updates", "processor minutes"], rows)


def node_table(dataset):
    chosen = [(name, record) for name, record in ordered(dataset)
              if name.removeprefix(dataset + "-") in
              ("base", "local", "pooled", "spectral-int8", "factor-mean", "spectral-tiers")]
    if not chosen:
        return ""
    rows = []
    for index, node in enumerate(chosen[0][1]["nodes"]):
        rows.append([node["name"], str(node["held_out_byte_count"])]
                    + [f"{bits(record)[index]:.4f}" for _, record in chosen])
    return table(
        ["node", "bytes"] + [name.removeprefix(dataset + "-") for name, _ in chosen], rows)


def round_table(dataset):
    rows = []
    for name, record in ordered(dataset):
        if record["rounds"]:
            rows.append([
                name.removeprefix(dataset + "-"),
                ", ".join(f"{r['training_loss']:.3f}" for r in record["rounds"]),
                ", ".join(f"{100 * r['dropped_energy']:.2f}" for r in record["rounds"]),
                f"{mean([r['aggregation_seconds'] for r in record['rounds']]):.0f}",
            ])
    return table(
        ["arm", "training loss of each round, nats", "energy cut in each round, %",
         "seconds of an aggregation"], rows)


def recipe_table(method):
    chosen = [record for _, record in ordered("plays") if record["method"] == method]
    if not chosen:
        return ""
    rates = sorted({run["learning_rate"] for record in chosen for run in record["runs"]})
    rows = []
    for record in chosen:
        losses = {run["learning_rate"]: run["validation_loss"] for run in record["runs"]}
        found = [loss for loss in losses.values() if loss is not None]
        cells = []
        for rate in rates:
            if rate not in losses:
                cells.append("")
            elif losses[rate] is None:
                cells.append("not finite")
            else:
                mark = "**" if losses[rate] == min(found) else ""
                cells.append(f"{mark}{losses[rate]:.4f}{mark}")
        if method == "read":
            what = [record["cell"], str(record["state_size"]), record["aggregation"]]
        else:
            layers = record.get("last_layer_count")
            what = [f"last {layers}" if layers else "all", str(record["rank"])]
        seconds = mean([run["processor_seconds_per_step"] for run in record["runs"]])
        rows.append(what + [f"{record['trained_count']:,}"] + cells + [f"{seconds:.2f}"])
    head = ["cell", "h", "state"] if method == "read" else ["layers", "rank"]
    return table(head + ["trained"] + [f"{rate:g}" for rate in rates] + ["s a step"], rows)


def missing():
    absent = [name for name in names if name not in records]
    if not absent:
        return "Every arm of the list has run."
    return "Not run yet: " + ", ".join(f"`{name}`" for name in absent) + "."


makers = {"missing": missing}
for dataset in ("chitchat", "fortunes"):
    makers[f"{dataset} arms"] = lambda dataset=dataset: text_table(dataset)
    makers[f"{dataset} nodes"] = lambda dataset=dataset: node_table(dataset)
    makers[f"{dataset} rounds"] = lambda dataset=dataset: round_table(dataset)
for method in ("read", "lora"):
    makers[method] = lambda method=method: recipe_table(method)


def fill(match):
    name = match.group(1)
    if name not in makers:
        sys.exit(f"tables: {page} asks for an unknown table, {name}")
    return f"<!-- table {name} -->\n{makers[name]()}\n<!-- end -->"


text = page.read_text()
page.write_text(
    re.sub(r"<!-- table ([a-z ]+) -->\n.*?<!-- end -->", fill, text, flags=re.S))
