"""Measures starling beside PyTorch + PEFT (and llama.cpp) on this machine; see bench.sh.

Every measurement is a process of its own. The systems of a row take turns, in the opposite order
from one pair to the next. Memory is what the operating system says of the process afterwards.
"""
import argparse
import datetime
import fnmatch
import importlib.util
import json
import os
import platform
import signal
import subprocess
import sys

import bench_rows
import bench_table
import process_run


def note(*words):
    print(*words, file=sys.stderr, flush=True)


def parse():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--starling", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--python", default=sys.executable, help="has torch, transformers, peft and gguf")
    parser.add_argument("--rows", default="*", help="names or patterns with a comma between; --list names them")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and end")
    parser.add_argument("--compiled", action="store_true", help="also rows with torch.compile, each slow to start")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--threads", type=int, default=process_run.CORES)
    parser.add_argument("--no-limit", action="store_true", help="do not measure the limit of the products")
    parser.add_argument("--patience", type=float, default=30, help="seconds to wait for others to end, per process")
    parser.add_argument("--timeout", type=float, default=900, help="seconds of a process")
    parser.add_argument("--cache", default=os.path.join(here, ".cache", "bench"))
    parser.add_argument("--output", help="JSON lines; a file in the cache by default; Markdown beside it")
    parser.add_argument("--report", nargs="+", help="print the table of JSON lines of earlier runs and end")
    options = parser.parse_args()
    for name, low in (("pairs", 1), ("steps", 1), ("warmup", 0), ("threads", 1)):
        if getattr(options, name) < low:
            parser.error(f"--{name} must be at least {low}")
    return options


def cpu_info(field):
    with open("/proc/cpuinfo") as file:
        found = (line.partition(":")[2].strip() for line in file if line.startswith(field))
        return next(found, platform.machine())


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    command = ["git", "-C", here, "describe", "--always", "--dirty", "--abbrev=9"]
    result = subprocess.run(command, capture_output=True, text=True)
    return result.stdout.strip() or "of no known commit"


def machine(options):
    flags = cpu_info("flags").split()
    known = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    return {
        "record": "machine",
        "date": datetime.date.today().isoformat(),
        "processor": cpu_info("model name"),
        "cores": process_run.CORES,
        "features": ", ".join(known),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": f"{system}, Linux {platform.release()}",
        "threads": options.threads,
        "model": os.path.basename(options.gguf),
        "commit": commit(),
        "pairs": options.pairs,
        "steps": options.steps,
    }


def prepare(options):
    """The model's forms by name, made where they are missing."""
    script = os.path.join(bench_rows.HERE, "bench_models.py")
    command = [options.python, script, "--gguf", options.gguf, "--cache", options.cache]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit("the model can't be converted")
    return json.loads(result.stdout.splitlines()[-1])


def chosen(options):
    llama = importlib.util.find_spec("llama_cpp") is not None
    rows = bench_rows.all_rows(options.compiled, llama)
    patterns = options.rows.split(",")
    for pattern in patterns:
        if not any(fnmatch.fnmatch(row.name, pattern) for row in rows):
            sys.exit(f"no row is called {pattern}; --list names them, --compiled adds some")
    return [row for row in rows if any(fnmatch.fnmatch(row.name, pattern) for pattern in patterns)]


def measure(options, models, row, pair, system):
    process_run.wait_for_quiet(options.patience)
    command = bench_rows.command(options, models, row, system)
    try:
        result = process_run.run(command, options.timeout)
    except process_run.RunFailure as failure:
        note(f"FAILED: {failure}")
        return None
    speed = result["limit_tokens_per_second" if system == "limit" else "tokens_per_second"]
    note(
        f"{row.name:28} {pair + 1}/{options.pairs} {system:16} {speed:7.0f} tokens/s"
        f" {result['peak_kib'] / 1024:6.0f} MiB, others {100 * result['foreign_cpu_share']:.0f} %"
    )
    return result | {"record": "run", "row": row.name, "pair": pair, "system": system}


def run_rows(options, rows, models, emit):
    """Whether every process gave a result."""
    ok = True
    for row in rows:
        emit({"record": "row", "name": row.name, "systems": row.systems})
        systems = [*row.systems] + ["limit"] * (not options.no_limit)
        for pair in range(options.pairs):
            for system in systems if pair % 2 == 0 else reversed(systems):
                result = measure(options, models, row, pair, system)
                ok = ok and result is not None
                if result:
                    emit(result)
    return ok


def read(paths):
    """The machine is that of the first file."""
    records = []
    for path in paths:
        with open(path) as file:
            records += [json.loads(line) for line in file]
    return records


def main():
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the running process ends too
    if options.report:
        return print(bench_table.markdown(read(options.report)))
    rows = chosen(options)
    if options.list:
        return print("\n".join(row.name for row in rows))
    seconds = sum(bench_rows.rough_seconds(options, row) for row in rows)
    note(f"{len(rows)} rows, {options.pairs} pairs: about {seconds / 60:.0f} minutes on two cores")
    output = options.output or os.path.join(
        options.cache, datetime.datetime.now().strftime("%Y%m%d-%H%M%S.jsonl")
    )
    models = prepare(options)
    with open(output, "w") as file:

        def emit(record):
            file.write(json.dumps(record) + "\n")
            file.flush()

        emit(machine(options))
        ok = run_rows(options, rows, models, emit)
    table = bench_table.markdown(read([output]))
    with open(os.path.splitext(output)[0] + ".md", "w") as file:
        file.write(table + "\n")
    print(table)
    note(f"written: {output}")
    sys.exit(0 if ok else 1)


main()
