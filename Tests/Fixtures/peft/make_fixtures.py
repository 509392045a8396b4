"""Makes llama-r4/, a LoRA adapter that `peft` wrote, and checks one that this project wrote.

    python make_fixtures.py            # writes llama-r4/
    python make_fixtures.py FOLDER     # loads FOLDER into the same model with peft

Needs torch, transformers, peft and safetensors.
"""
import os
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM


def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
        )
    )


def make():
    adapted = get_peft_model(model(), LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj"]))
    adapted.save_pretrained("llama-r4")
    os.remove("llama-r4/README.md")
    path = "llama-r4/adapter_model.safetensors"
    tensors = load_file(path)
    for index, name in enumerate(sorted(tensors)):
        tensor = tensors[name]
        values = torch.sin(torch.arange(tensor.numel(), dtype=torch.float64) + index) / 8
        tensors[name] = values.reshape(tensor.shape).to(torch.bfloat16 if index % 2 else torch.float32)
    save_file(tensors, path, metadata={"format": "pt"})


def check(folder):
    adapted = PeftModel.from_pretrained(model(), folder)
    written = load_file(os.path.join(folder, "adapter_model.safetensors"))
    loaded = {n.replace(".default", ""): p for n, p in adapted.named_parameters() if "lora_" in n}
    assert sorted(written) == sorted(loaded), (sorted(written), sorted(loaded))
    for name, tensor in written.items():
        assert torch.equal(tensor.float(), loaded[name].float()), name
    print("peft loads", len(written), "tensors with the same bits")


check(sys.argv[1]) if len(sys.argv) > 1 else make()
