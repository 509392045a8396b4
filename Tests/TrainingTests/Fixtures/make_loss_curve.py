"""Writes loss_curve.json: LoRA training of the closed-form model by PyTorch and PEFT.

    python make_loss_curve.py > loss_curve.json

The model has no file: its weights are a formula of their place, so that a test can make them too.
"""
import json
import math
import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

STEPS, WARMUP, PEAK, DECAY, CLIP = 12, 3, 2e-2, 0.01, 1.0


def fill(parameter, value):
    flat = torch.tensor([value(k) for k in range(parameter.numel())], dtype=torch.float64)
    with torch.no_grad():
        parameter.copy_(flat.to(torch.float32).reshape(parameter.shape))


config = LlamaConfig(
    vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, tie_word_embeddings=True, rms_norm_eps=1e-5, rope_theta=10000.0,
)  # fmt: skip
model = LlamaForCausalLM(config)
for t, (name, parameter) in enumerate(sorted(model.named_parameters())):
    if "norm" in name:
        fill(parameter, lambda k: 1 + 0.1 * math.sin(0.7 * k + t))
    else:
        fill(parameter, lambda k: 0.2 * math.sin(0.37 * k + 0.11 * t))
adapted = get_peft_model(model, LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]))
lora = sorted((n, p) for n, p in adapted.named_parameters() if "lora_" in n)
for t, (name, parameter) in enumerate(lora):
    fill(parameter, lambda k: 0.1 * math.sin(0.5 * k + 0.3 * t))

# Four rows of 13 tokens; of row j the first 2 j targets don't count.
rows = [[(7 * k + 3 + 5 * j) % 64 for k in range(13)] for j in range(4)]
inputs = torch.tensor([row[:-1] for row in rows])
targets = torch.tensor([[-1] * (2 * j) + row[1 + 2 * j :] for j, row in enumerate(rows)])

parameters = [p for _, p in lora]
optimizer = torch.optim.AdamW(parameters, lr=0, weight_decay=DECAY)
losses = []
for step in range(STEPS):
    if step < WARMUP:
        rate = PEAK * (step + 1) / WARMUP
    else:
        rate = PEAK * (1 + math.cos(math.pi * (step - WARMUP) / (STEPS - WARMUP))) / 2
    optimizer.param_groups[0]["lr"] = rate
    logits = adapted(input_ids=inputs).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(parameters, CLIP)
    optimizer.step()
    losses.append(loss.item())
json.dump({"torch": torch.__version__, "losses": losses}, sys.stdout, indent=1)
print()
