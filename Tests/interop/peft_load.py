"""Loads an exported adapter with the real PEFT and compares its loss with `starling eval`.

    python peft_load.py --starling BIN --gguf MODEL.gguf --adapter DIR --data TEXT.txt

Prints one JSON object; ends with 1 if the losses differ by more than --tolerance.
"""
import argparse
import os

import torch
from peft import PeftModel

import gguf_model


def torch_loss(model, ids, length):
    """The mean loss of windows that don't overlap, every token of one but the first predicted."""
    nats, count = 0.0, 0
    with torch.no_grad():
        for start in range(0, len(ids), length):
            window = torch.tensor([ids[start : start + length]])
            if window.shape[1] < 2:
                continue
            logits = model(input_ids=window).logits[0, :-1]
            nats += float(torch.nn.functional.cross_entropy(logits, window[0, 1:], reduction="sum"))
            count += window.shape[1] - 1
    return nats / count, count


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
        "--data", options.data, "--length", options.length,
    )  # fmt: skip
    with open(options.data, encoding="utf-8", newline="") as file:
        ids = gguf_model.load_tokenizer(options.gguf)(file.read(), add_special_tokens=False).input_ids
    model = gguf_model.load_model(options.gguf).eval()
    base, _ = torch_loss(model, ids, options.length)
    adapted = PeftModel.from_pretrained(model, options.adapter).eval()
    theirs, count = torch_loss(adapted, ids, options.length)
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
