"""Trains as long as a person would and compares the loss on held-out text with PyTorch + PEFT.

    python heldout_parity.py --starling BIN --gguf MODEL.gguf --data TEXT.txt

The end of the text is held out. PyTorch takes the batches that the program took, from the same
adapter, in Float32; the program runs in Float32, in bfloat16 and with its base as stored, and each
adapter is evaluated as it was trained. Prints one JSON object; ends with 1 if a loss differs from
PyTorch's by more than --tolerance.
"""
import argparse
import os
import tempfile

import torch

import gguf_model
import peft_training

VARIANTS = {
    "f32": gguf_model.EXACT,
    "bf16": ["--compute", "bf16", "--base", "bf16"],
    "bf16-stored": ["--compute", "bf16", "--base", "stored"],
    "f32-stored": ["--compute", "f32", "--base", "stored"],
}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starling", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--variants", default="f32,bf16,bf16-stored", help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--length", type=int, default=128)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--held-out", type=int, default=16_000, help="characters at the end of the text")
    parser.add_argument("--evaluation-length", type=int, default=256)
    parser.add_argument("--tolerance", type=float, default=0.01)
    options = parser.parse_args()
    options.variants = options.variants.split(",")
    for name in options.variants:
        if name not in VARIANTS:
            parser.error(f"{name} is none of {', '.join(VARIANTS)}")
    return options


def split(path, count, folder):
    """Writes what is trained on and what is held out; a text of which bytes are missing is cut there."""
    with open(path, encoding="utf-8", errors="ignore", newline="") as file:
        text = file.read()
    if len(text) < 2 * count:
        raise SystemExit(f"{path} has {len(text)} characters; {count} can't be held out")
    paths = [os.path.join(folder, name) for name in ("train.txt", "held_out.txt")]
    for place, part in zip(paths, (text[:-count], text[-count:])):
        with open(place, "w", encoding="utf-8", newline="") as file:
            file.write(part)
    return paths


def train(options, variant, folder, start, data):
    """One run of the program; returns its losses, adapter and batches."""
    end, dump = (os.path.join(folder, f"{variant}{suffix}") for suffix in ("", ".jsonl"))
    lines = gguf_model.starling(
        options.starling, "train", "--model", options.gguf, "--data", data,
        "--steps", options.steps, "--batch", options.batch, "--length", options.length,
        "--seed", 1, "--start-adapter", start, "--learning-rate", options.learning_rate,
        "--warmup", options.warmup, "--clip", options.clip, "--dump-batches", dump,
        "--output", end, *VARIANTS[variant],
    )  # fmt: skip
    losses = [line["loss"] for line in lines if "loss" in line]
    assert len(losses) == options.steps, f"{len(losses)} steps of {options.steps}"
    return losses, end, peft_training.read_batches(dump)


def evaluate(options, variant, adapter, data):
    [line] = gguf_model.starling(
        options.starling, "eval", "--model", options.gguf, "--adapter", adapter, "--data", data,
        "--length", options.evaluation_length, *VARIANTS[variant],
    )  # fmt: skip
    return line["loss"], line["tokens"]


def main():
    options = parse()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    torch.manual_seed(1)
    model = gguf_model.load_model(options.gguf)
    with tempfile.TemporaryDirectory() as work:
        start = os.path.join(work, "start")
        training, held_out = split(options.data, options.held_out, work)
        model = peft_training.write_start(model, options.rank, start)
        runs = {name: train(options, name, work, start, training) for name in options.variants}
        batches = runs[options.variants[0]][2]
        assert all(run[2] == batches for run in runs.values()), "the variants took other batches"
        ours = {name: evaluate(options, name, run[1], held_out) for name, run in runs.items()}
        with open(held_out, encoding="utf-8", newline="") as file:
            tokens = gguf_model.load_tokenizer(options.gguf)(file.read(), add_special_tokens=False).input_ids
        before, _ = gguf_model.torch_loss(model.eval(), tokens, options.evaluation_length)
        losses, adapted = peft_training.replay(model, start, batches, options.clip, decay=0)
        theirs, count = gguf_model.torch_loss(adapted.eval(), tokens, options.evaluation_length)
    differences = {name: loss - theirs for name, (loss, _) in ours.items()}
    gguf_model.finish(
        {
            "steps": options.steps,
            "batch": options.batch,
            "length": options.length,
            "held_out_tokens": count,
            "held_out_before": before,
            "held_out_torch": theirs,
            "held_out_starling": {name: loss for name, (loss, _) in ours.items()},
            "difference": differences,
            "last_training_loss": {"torch": losses[-1]} | {name: run[0][-1] for name, run in runs.items()},
            "tolerance": options.tolerance,
        },
        all(abs(value) <= options.tolerance for value in differences.values())
        and all(tokens == count for _, tokens in ours.values()),
    )


main()
