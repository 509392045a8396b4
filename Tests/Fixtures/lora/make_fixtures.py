"""Writes cases.json: small Llama models with LoRA on all projections, as transformers and PEFT
compute them in float32.

Weights and adapters follow from closed forms (see `fill`), so the file holds only results. Needs
torch, transformers and peft; run it in this folder.
"""

import json
import math

import peft
import torch
import transformers

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

CASES = [
    {
        "name": "untied, heads wider than the stream, three queries per key",
        "config": {
            "vocab_size": 50, "hidden_size": 24, "intermediate_size": 36, "num_hidden_layers": 3,
            "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6,
            "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 500.0,
            "tie_word_embeddings": False,
        },
        "rank": 3, "alpha": 6.0, "rslora": False, "sequences": 2, "length": 9,
        "targets": TARGETS,
    },
    {
        "name": "tied, one key head, root scaling",
        "config": {
            "vocab_size": 64, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 1, "head_dim": 4,
            "max_position_embeddings": 128, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "tie_word_embeddings": True,
        },
        "rank": 2, "alpha": 3.0, "rslora": True, "sequences": 1, "length": 70,
        "targets": TARGETS,
    },
    {
        "name": "untied, keys and down only",
        "config": {
            "vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
            "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8,
            "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
            "tie_word_embeddings": False,
        },
        "rank": 4, "alpha": 4.0, "rslora": False, "sequences": 3, "length": 5,
        "targets": ["k_proj", "down_proj"],
    },
]


def fill(named, scale_of):
    """Sets the t-th parameter by name at flat index k."""
    with torch.no_grad():
        for t, (name, parameter) in enumerate(sorted(named)):
            k = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_(scale_of(name, k, t).float().view_as(parameter))


def base_value(name, k, t):
    if "norm" in name:
        return 1 + 0.1 * torch.sin(0.7 * k + t)
    return 0.2 * torch.sin(0.37 * k + 0.11 * t)


def case(spec):
    config = transformers.LlamaConfig(attn_implementation="eager", **spec["config"])
    assert config.rope_parameters["rope_theta"] == spec["config"]["rope_theta"]
    model = transformers.LlamaForCausalLM(config).float().eval()
    fill([(n, p) for n, p in model.named_parameters()], base_value)
    rows = spec["sequences"] * spec["length"]
    vocabulary = spec["config"]["vocab_size"]
    inputs = [(7 * k + k * k // 5 + 3) % vocabulary for k in range(rows)]
    targets = [-1 if k % 4 == 2 else (5 * k + 1) % vocabulary for k in range(rows)]
    ids = torch.tensor(inputs).view(spec["sequences"], spec["length"])
    wanted = torch.tensor(targets)
    normalizer = sum(target >= 0 for target in targets)

    def loss_sum(m):
        logits = m(ids).logits.reshape(rows, vocabulary)
        return logits, torch.nn.functional.cross_entropy(
            logits, wanted, ignore_index=-1, reduction="sum")

    with torch.no_grad():
        base_logits, base_loss = loss_sum(model)
    adapted = peft.get_peft_model(model, peft.LoraConfig(
        r=spec["rank"], lora_alpha=spec["alpha"], use_rslora=spec["rslora"],
        target_modules=spec["targets"], lora_dropout=0.0, bias="none"))
    adapted.eval()
    trained = [(n.replace(".default.", "."), p)
               for n, p in adapted.named_parameters() if "lora_" in n]
    fill(trained, lambda name, k, t: 0.1 * torch.sin(0.5 * k + 0.3 * t))
    logits, loss = loss_sum(adapted)
    (loss / normalizer).backward()
    gradients = {}
    for name, parameter in sorted(trained):
        flat = parameter.grad.double().flatten()
        places = sorted({0, flat.numel() // 3, flat.numel() - 1})
        gradients[name] = {
            "norm": math.sqrt(float((flat * flat).sum())),
            "places": places, "values": [float(flat[p]) for p in places],
        }
    return {
        "name": spec["name"], "config": spec["config"], "rank": spec["rank"],
        "alpha": spec["alpha"], "rslora": spec["rslora"], "targets": spec["targets"],
        "sequences": spec["sequences"], "length": spec["length"], "inputs": inputs,
        "wanted": targets, "normalizer": normalizer, "baseLoss": float(base_loss),
        "baseLogits": [float(x) for x in base_logits[-1][:6]], "loss": float(loss.detach()),
        "logits": [float(x) for x in logits[-1][:6]], "gradients": gradients,
    }


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.8g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


with open("cases.json", "w") as file:
    json.dump({
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "cases": [rounded(case(spec)) for spec in CASES],
    }, file, separators=(",", ":"))
    file.write("\n")
