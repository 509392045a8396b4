"""Loads an exported adapter with the real PEFT and compares its loss with `starling eval`.

    python peft_load.py --starling BIN --gguf MODEL.gguf --adapter DIR --data TEXT.txt

Prints one JSON object; ends with 1 if the losses differ by more than --tolerance.
"""
import argparse
import os

import torch
from peft import PeftModel

import gguf_model


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--starling", required=True)
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--adapter", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--tolerance", type=float, default=1e-3)
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    [ours] = gguf_model.starling(
        options.starling, "eval", "--model", options.gguf, "--adapter", options.adapter,
        "--data", options.data, "--length", options.length, *gguf_model.EXACT,
    )  # fmt: skip
    with open(options.data, encoding="utf-8", newline="") as file:
        ids = gguf_model.load_tokenizer(options.gguf)(file.read(), add_special_tokens=False).input_ids
    model = gguf_model.load_model(options.gguf).eval()
    base, _ = gguf_model.torch_loss(model, ids, options.length)
    adapted = PeftModel.from_pretrained(model, options.adapter).eval()
    theirs, count = gguf_model.torch_loss(adapted, ids, options.length)
    difference = abs(ours["loss"] - theirs)
    gguf_model.finish(
        {
            "starling": ours["loss"],
            "peft": theirs,
            "without_adapter": base,
            "tokens": [ours["tokens"], count],
            "difference": difference,
            "tolerance": options.tolerance,
        },
        difference <= options.tolerance and ours["tokens"] == count,
    )


main()
