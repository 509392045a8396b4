"""The rows of bench.py: what is measured, which systems take part, and the command of each."""
import dataclasses
import itertools
import os

HERE = os.path.dirname(os.path.abspath(__file__))
# Tokens per second of a training step with all projections on two cores of 2024, for estimates.
ROUGH_SPEED = {("torch", "f32"): 190, ("torch", "bf16"): 350, ("starling", "f32"): 450, ("starling", "bf16"): 850}
# Seconds until the first step.
ROUGH_START = {"starling": 1, "torch": 12, "torch compiled": 100, "llama.cpp": 5}


@dataclasses.dataclass(frozen=True)
class Row:
    """One line of the table. `systems` begins with the one that the others are compared with."""

    name: str
    dtype: str
    batch: int
    length: int
    targets: str = "all"
    recompute: bool = False
    kind: str = "train"
    systems: tuple = ("starling", "torch")
    file: str = "given"

    @property
    def tokens(self):
        return self.batch * self.length


def all_rows(compiled, llama):
    """The rows in the order of the table."""
    rows = []
    shapes, targets = ((1, 512), (4, 256)), ("qv", "all")
    for dtype, (batch, length), target, recompute in itertools.product(
        ("f32", "bf16"), shapes, targets, (False, True)
    ):
        name = f"{dtype}-{batch}x{length}-{target}"
        rows.append(Row(name + "-recompute" * recompute, dtype, batch, length, target, recompute))
        if compiled and not recompute:
            systems = ("starling", "torch compiled")
            rows.append(Row(name + "-compiled", dtype, batch, length, target, systems=systems))
    stored = ("starling stored", "starling", "torch")
    for batch, length in shapes:
        rows.append(Row(f"stored-{batch}x{length}-all", "bf16", batch, length, systems=stored))
    rows.append(Row("stored-1x512-all-recompute", "bf16", 1, 512, recompute=True, systems=stored))
    if llama:
        for file in ("Q4_0", "Q4_K_M"):
            rows.append(Row(f"stored-{file}-1x512-all", "bf16", 1, 512, systems=stored[:2], file=file))
    for dtype in ("f32", "bf16"):
        systems = ("starling", "torch") + ("llama.cpp",) * llama
        rows.append(Row(f"forward-{dtype}-1x512", dtype, 1, 512, kind="forward", systems=systems))
    return rows


def starling_command(options, models, row, stored=False, limit=False):
    """Memory is measured without the limit, whose matrices are larger than a step's.

    The limit is a process of its own with one step.
    """
    command = [
        options.starling, "bench", "--model", models[row.file], "--kind", row.kind,
        "--batch", row.batch, "--length", row.length, "--rank", options.rank,
        "--targets", "all" if row.targets == "all" else "q_proj,v_proj",
        "--compute", row.dtype, "--base", "stored" if stored else row.dtype,
        "--recompute", "layer" if row.recompute else "none",
        "--threads", options.threads, "--format", "json",
    ]  # fmt: skip
    if limit:
        return [*command, "--steps", 1, "--warmup", 0]
    return [*command, "--steps", options.steps, "--warmup", options.warmup, "--no-limit"]


def torch_command(options, models, row, compiled):
    command = [
        options.python, os.path.join(HERE, "bench_torch.py"), "--model", models["folder-" + row.dtype],
        "--kind", row.kind, "--dtype", row.dtype, "--batch", row.batch, "--length", row.length,
        "--rank", options.rank, "--targets", row.targets, "--threads", options.threads,
        "--steps", options.steps, "--warmup", options.warmup,
    ]  # fmt: skip
    return command + ["--checkpointing"] * row.recompute + ["--compile"] * compiled


def llama_command(options, models, row):
    return [
        options.python, os.path.join(HERE, "bench_llama.py"), "--gguf", models[row.dtype],
        "--tokens", row.length, "--threads", options.threads,
        "--steps", options.steps, "--warmup", options.warmup,
    ]  # fmt: skip


def command(options, models, row, system):
    match system:
        case "starling":
            return starling_command(options, models, row)
        case "starling stored":
            return starling_command(options, models, row, stored=True)
        case "limit":
            return starling_command(options, models, row, limit=True)
        case "llama.cpp":
            return llama_command(options, models, row)
    return torch_command(options, models, row, compiled=system == "torch compiled")


def rough_seconds(options, row):
    """What a row takes on a quiet machine with two cores, roughly."""
    factor = (1.35 if row.recompute else 1) * (0.4 if row.kind == "forward" else 1)
    total = 0.0
    for system in row.systems:
        family = "starling" if system.startswith("starling") else "torch"
        step = factor * row.tokens / ROUGH_SPEED[family, row.dtype]
        start = ROUGH_START.get(system, ROUGH_START[family])
        total += start + (options.steps + options.warmup) * step
    limit = 0 if options.no_limit else 2 + 6 * factor * row.tokens / ROUGH_SPEED["starling", row.dtype]
    return options.pairs * (total + limit)
