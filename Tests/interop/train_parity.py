"""Compares LoRA training with PyTorch + PEFT from the same adapter on the same rows, step by step.

    python train_parity.py --starling BIN --gguf MODEL.gguf --data TEXT.txt

Prints one JSON object; ends with 1 if a step's losses differ by more than --tolerance.
"""
import argparse
import json
import os
import tempfile

import torch
from peft import LoraConfig, PeftModel, get_peft_model

import gguf_model

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]


def write_start(model, rank, folder):
    """An adapter whose B is not zero, so that the gradients of A count from the first step on."""
    generator = torch.Generator().manual_seed(1)
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=TARGETS, task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    with torch.no_grad():
        for name, parameter in adapted.named_parameters():
            if "lora_B" in name:
                parameter.copy_(0.01 * torch.randn(parameter.shape, generator=generator))
    adapted.save_pretrained(folder)
    return adapted.unload()


def replay(model, start, batches, clip, decay):
    """The losses of the same steps, and the adapter after them."""
    adapted = PeftModel.from_pretrained(model, start, is_trainable=True)
    adapted.train()
    parameters = [p for p in adapted.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0, betas=(0.9, 0.999), eps=1e-8, weight_decay=decay)
    losses = []
    for batch in batches:
        optimizer.param_groups[0]["lr"] = batch["learning_rate"]
        length = max(len(row["targets"]) for row in batch["rows"])
        inputs = torch.zeros(len(batch["rows"]), length, dtype=torch.long)
        targets = torch.full((len(batch["rows"]), length), -1, dtype=torch.long)
        for index, row in enumerate(batch["rows"]):
            inputs[index, : len(row["targets"])] = torch.tensor(row["tokens"][:-1])
            targets[index, : len(row["targets"])] = torch.tensor(row["targets"])
        logits = adapted(input_ids=inputs).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
        optimizer.zero_grad()
        loss.backward()
        if clip > 0:
            torch.nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        losses.append(loss.item())
    return losses, adapted


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
        model = write_start(model, options.rank, start)
        lines = gguf_model.starling(
            options.starling, "train", "--model", options.gguf, "--data", options.data,
            "--steps", options.steps, "--batch", options.batch, "--length", options.length,
            "--seed", 1, "--start-adapter", start, "--learning-rate", options.learning_rate,
            "--warmup", options.warmup, "--weight-decay", options.weight_decay,
            "--clip", options.clip, "--dump-batches", dump, "--output", end,
        )  # fmt: skip
        ours = [line["loss"] for line in lines if "loss" in line]
        with open(dump) as file:
            batches = [json.loads(line) for line in file]
        theirs, adapted = replay(model, start, batches, options.clip, options.weight_decay)
        difference = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
        from peft import get_peft_model_state_dict
        from safetensors.torch import load_file

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
