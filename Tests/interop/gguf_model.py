"""What the interop scripts share: a GGUF file as a PyTorch model, and runs of the program."""
import json
import os
import subprocess
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

import gguf
import torch
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

logging.disable_progress_bar()

# What a close comparison computes with; bf16 is the default where the processor has it.
EXACT = ["--compute", "f32", "--base", "f32"]


def load_model(path):
    """The weights, dequantised to f32, in the row order of Hugging Face."""
    folder, name = os.path.split(os.path.abspath(path))
    loaded = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    fields = {k: v for k, v in loaded.config.to_dict().items() if k != "quantization_config"}
    # A model that knows of its quantised origin refuses some of what a plain one does.
    model = AutoModelForCausalLM.from_config(type(loaded.config).from_dict(fields), dtype=torch.float32)
    model.load_state_dict(loaded.state_dict())
    return model


def load_tokenizer(path):
    """The file's vocabulary; transformers drops the pre-tokenizer that the file names."""
    folder, name = os.path.split(os.path.abspath(path))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    if text_field(path, "tokenizer.ggml.pre") == "smollm":
        # As in the tokenizer.json of the SmolLM models: each digit by itself, then GPT-2's rule.
        tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
    return tokenizer


def text_field(path, name):
    field = gguf.GGUFReader(path).fields.get(name)
    return field and str(bytes(field.parts[field.data[0]]), "utf-8")


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


def starling(program, *arguments):
    """The JSON lines that a command prints; its own messages go to our standard error."""
    command = [program, *map(str, arguments), "--format", "json"]
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {result.returncode}")
    return [json.loads(line) for line in result.stdout.splitlines() if line.strip()]


def finish(report, ok):
    print(json.dumps(report | {"ok": ok}))
    sys.exit(0 if ok else 1)
