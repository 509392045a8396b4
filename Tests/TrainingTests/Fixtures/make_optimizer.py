"""Writes optimizer.json: AdamW on a vector of 10 for 5 steps, and gradient clipping, by PyTorch.

    python make_optimizer.py > optimizer.json

Floats are written as the bits of their binary32 form, so that a test can ask for equality.
"""
import json
import struct
import sys

import torch


def bits(tensor):
    return [struct.unpack("<I", struct.pack("<f", value))[0] for value in tensor.tolist()]


def adamw_case(weight_decay):
    start = torch.tensor([0.5 * (-1) ** k * (k + 1) / 10 for k in range(10)], dtype=torch.float32)
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW(
        [parameter], lr=1e-2, betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay, foreach=False
    )
    steps = []
    for step in range(5):
        rate = 1e-2 / (1 + step)
        gradient = torch.tensor(
            [(0.3 * ((7 * k + 3 * step) % 11) - 1.4) * 10 ** (-(k % 4)) for k in range(10)],
            dtype=torch.float32,
        )
        optimizer.param_groups[0]["lr"] = rate
        parameter.grad = gradient.clone()
        optimizer.step()
        steps.append({"learning_rate": rate, "gradient": bits(gradient), "parameters": bits(parameter.detach())})
    return {"weight_decay": weight_decay, "start": bits(start), "steps": steps}


def clip_case(limit):
    parameter = torch.nn.Parameter(torch.zeros(10))
    gradient = torch.tensor([0.25 * (k - 4) for k in range(10)], dtype=torch.float32)
    parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_([parameter], limit)
    return {"limit": limit, "gradient": bits(gradient), "norm": float(norm), "clipped": bits(parameter.grad)}


json.dump(
    {
        "torch": torch.__version__,
        "adamw": [adamw_case(0.0), adamw_case(0.1)],
        "clip": [clip_case(1.0), clip_case(10.0)],
    },
    sys.stdout,
    indent=1,
)
print()
