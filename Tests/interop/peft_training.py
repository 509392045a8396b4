"""What the training comparisons share: a first adapter, and the program's steps taken again by PEFT."""
import json

import torch
from peft import LoraConfig, PeftModel, get_peft_model

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


def read_batches(path):
    """The batches that `starling train --dump-batches` wrote."""
    with open(path) as file:
        return [json.loads(line) for line in file]
