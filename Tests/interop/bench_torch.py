"""PyTorch + PEFT: speed of LoRA training, or of the forward pass alone, as bench.py runs it.

Tokens are random; that the loss of the repeated batch falls shows that training happens.
Prints one JSON object.
"""
import argparse
import json
import os
import statistics
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import peft
import torch
import transformers

transformers.utils.logging.disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning)

TARGETS = {
    "qv": ["q_proj", "v_proj"],
    "all": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--kind", choices=["train", "forward"], default="train")
    parser.add_argument("--dtype", choices=["f32", "bf16"], required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--targets", choices=TARGETS, default="all")
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    return parser.parse_args()


def make_model(options):
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[options.dtype]
    model = transformers.AutoModelForCausalLM.from_pretrained(
        options.model, dtype=dtype, attn_implementation="sdpa"
    )
    config = peft.LoraConfig(
        r=options.rank, lora_alpha=2 * options.rank, target_modules=TARGETS[options.targets],
        lora_dropout=0.0, task_type="CAUSAL_LM",
    )  # fmt: skip
    model = peft.get_peft_model(model, config)
    if options.checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    model.config.use_cache = False
    return model.train()


def main():
    options = parse()
    began = time.perf_counter()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = make_model(options)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=2e-4)
    ids = torch.randint(0, model.config.vocab_size, (options.batch, options.length))
    call = torch.compile(model) if options.compile else model

    def step():
        if options.kind == "forward":
            with torch.no_grad():
                return float(call(input_ids=ids, labels=ids).loss)
        loss = call(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss)

    losses, speeds, first = [], [], None
    for index in range(options.warmup + options.steps):
        start = time.perf_counter()
        losses.append(step())
        end = time.perf_counter()
        first = first or end - began
        if index >= options.warmup:
            speeds.append(options.batch * options.length / (end - start))
    print(json.dumps({
        "system": "torch",
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "peft": peft.__version__},
        "adapter_dtype": str(trained[0].dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "first_step_seconds": first,
        "tokens_per_second": statistics.median(speeds),
        "tokens_per_second_min": min(speeds),
        "tokens_per_second_max": max(speeds),
        "loss_first": losses[0],
        "loss_last": losses[-1],
    }))  # fmt: skip


main()
