"""Compares LoRA training with PyTorch + PEFT from the same adapter on the same rows, step by step.

    python train_parity.py --starling BIN --gguf MODEL.gguf --data TEXT.txt

Prints one JSON object; ends with 1 if a step's losses differ by more than --tolerance.
"""
import argparse
import os
import tempfile

import torch
from peft import get_peft_model_state_dict
from safetensors.torch import load_file

import gguf_model
import peft_training


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starling", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--warmup", type=int, default=4)
    parser.add_argument("--weight-decay", type=float, default=0.01)
    parser.add_argument("--clip", type=float, default=1.0)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    model = gguf_model.load_model(options.gguf)
    with tempfile.TemporaryDirectory() as work:
        start, end, dump = (os.path.join(work, name) for name in ("start", "end", "batches.jsonl"))
        model = peft_training.write_start(model, options.rank, start)
        lines = gguf_model.starling(
            options.starling, "train", "--model", options.gguf, "--data", options.data,
            "--steps", options.steps, "--batch", options.batch, "--length", options.length,
            "--seed", 1, "--start-adapter", start, "--learning-rate", options.learning_rate,
            "--warmup", options.warmup, "--weight-decay", options.weight_decay,
            "--clip", options.clip, "--dump-batches", dump, "--output", end,
            *gguf_model.EXACT,
        )  # fmt: skip
        ours = [line["loss"] for line in lines if "loss" in line]
        batches = peft_training.read_batches(dump)
        theirs, adapted = peft_training.replay(model, start, batches, options.clip, options.weight_decay)
        difference = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
        written = load_file(os.path.join(end, "adapter_model.safetensors"))
        expected = get_peft_model_state_dict(adapted)
        drift = max(float((written[name] - expected[name]).abs().max()) for name in expected)
    gguf_model.finish(
        {
            "steps": len(ours),
            "starling": [round(x, 6) for x in ours],
            "torch": [round(x, 6) for x in theirs],
            "max_abs_loss_difference": difference,
            "max_abs_parameter_difference": drift,
            "tolerance": options.tolerance,
        },
        len(ours) == options.steps and difference <= options.tolerance,
    )


main()
