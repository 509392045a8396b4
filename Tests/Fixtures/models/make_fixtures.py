"""Writes small random models of the Llama family, each a Hugging Face folder with a PEFT adapter
on all projections, and what transformers and PEFT compute with them in float32.

NAME/ holds config.json, model.safetensors and a tokenizer.json that no test reads; NAME/adapter is
the adapter; NAME/expected.json holds batches and results. frequencies.json holds scaled rotary
frequencies. gguf/ holds three of the models once more, written with the gguf package under its own
names. Needs torch, transformers, peft, gguf and safetensors; run it in this folder.
"""

import json
import math
import os
import shutil

import gguf
import peft
import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAMW = {"lr": 5e-3, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.01}
COMMON = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 40, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
    "rms_norm_eps": 1e-5, "attn_implementation": "eager", "bos_token_id": 0, "eos_token_id": 0,
}
LLAMA3 = {
    "rope_type": "llama3", "rope_theta": 500.0, "factor": 4.0, "low_freq_factor": 1.0,
    "high_freq_factor": 4.0, "original_max_position_embeddings": 32,
}

# Lengths are such that scaling and windows matter: with 32 original positions, the four pairs of
# llama3 are one that stays, one that is blended and two that are divided.
MODELS = {
    "llama3-scaled": (
        "Llama", {"rope_parameters": LLAMA3, "tie_word_embeddings": False}, 48),
    "llama-linear": (
        "Llama", {
            "rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 4.0},
            "tie_word_embeddings": True}, 24),
    "mistral-window": (
        "Mistral", {
            "sliding_window": 5, "head_dim": 12, "rope_parameters": {"rope_theta": 10000.0,
            "rope_type": "default"}, "tie_word_embeddings": False}, 20),
    "qwen2-untied": ("Qwen2", {"tie_word_embeddings": False}, 18),
    "qwen2-tied-window": (
        "Qwen2", {
            "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 7,
            "max_window_layers": 0, "num_key_value_heads": 1}, 18),
    "qwen3": (
        "Qwen3", {
            "tie_word_embeddings": True, "head_dim": 16, "num_key_value_heads": 1,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0}}, 18),
}


def randomize(named, generator):
    """Values large enough that every part of a layer moves the result."""
    with torch.no_grad():
        for name, parameter in sorted(named):
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.3 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.5 * noise)
            elif "embed" in name or "lm_head" in name:
                parameter.copy_(0.25 * noise)
            elif "lora_B" in name:
                parameter.copy_(0.15 * noise)
            else:
                parameter.copy_(noise / math.sqrt(parameter.shape[1]))


def tokens(count, vocabulary, generator):
    return torch.randint(0, vocabulary, (count,), generator=generator).tolist()


def mask(starts, ends, window, length):
    """What each position sees, as an additive mask of one sequence."""
    seen = torch.zeros(length, length, dtype=torch.bool)
    for i in range(length):
        first = starts[i] if window is None else max(starts[i], i + 1 - window)
        seen[i, first:max(i + 1, ends[i])] = True
    return torch.zeros(1, 1, length, length).masked_fill(~seen, torch.finfo(torch.float32).min)


def nats(logits, targets):
    return torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]), torch.tensor(targets), ignore_index=-1,
        reduction="sum")


def run_batch(model, batch, window):
    """The logits and the summed loss of a batch."""
    ids = torch.tensor(batch["inputs"]).view(batch["sequences"], batch["length"])
    extra = {}
    if "starts" in batch:
        starts = batch["starts"]
        ends = batch.get("ends", [0] * len(starts))
        positions = [i - start for i, start in enumerate(starts)]
        extra = {
            "attention_mask": mask(starts, ends, window, batch["length"]),
            "position_ids": torch.tensor([positions]),
        }
    logits = model(ids, use_cache=False, **extra).logits
    return logits, nats(logits, batch["targets"])


def batches(length, vocabulary, generator):
    def targets(count):
        drawn = tokens(count, vocabulary, generator)
        return [-1 if i % 4 == 2 else t for i, t in enumerate(drawn)]

    first, second = length // 2 - 1, length - length // 2 + 1
    starts = [0] * first + [first] * second
    # The first text's prefix is 3 positions long, the second's 4.
    ends = [3] * first + [first + 4] * second
    plain = {"name": "plain", "sequences": 2, "length": length,
             "inputs": tokens(2 * length, vocabulary, generator), "targets": targets(2 * length)}
    packed = {"name": "packed", "sequences": 1, "length": length,
              "inputs": tokens(length, vocabulary, generator), "targets": targets(length),
              "starts": starts}
    prefix = dict(packed, name="prefix", ends=ends)
    return [plain, packed, prefix]


def check_packed(model, batch, logits):
    """The mask that was passed gives each text what it has alone."""
    first = batch["starts"].count(0)
    for text in (slice(0, first), slice(first, None)):
        ids = torch.tensor([batch["inputs"][text]])
        alone = model(ids, use_cache=False).logits[0]
        assert torch.allclose(alone, logits[0, text], atol=2e-5), "the mask is wrong"


def measure(model, base, trained, batch, window):
    with torch.no_grad(), base():
        base_logits, base_nats = run_batch(model, batch, window)
    logits, loss = run_batch(model, batch, window)
    if batch["name"] == "packed":
        check_packed(model, batch, logits)
    count = sum(target >= 0 for target in batch["targets"])
    model.zero_grad()
    (loss / count).backward()
    rows = sorted({0, 1, *range(3, batch["sequences"] * batch["length"], 5),
                   batch["sequences"] * batch["length"] - 1})
    vocabulary = logits.shape[-1]

    def flat(values):
        return [float(x) for x in values.reshape(-1, vocabulary)[rows].flatten()]

    result = dict(batch, rows=rows, baseNats=float(base_nats), baseLogits=flat(base_logits),
                  nats=float(loss.detach()), logits=flat(logits.detach()), gradients={})
    for name, parameter in trained:
        gradient = parameter.grad.double().flatten()
        result["gradients"][name] = {
            "norm": float(gradient.norm()),
            # One value in three; the norm covers the others.
            "values": [float(x) for x in gradient[::3]],
        }
    return result


def train(model, trained, batch, window):
    optimizer = torch.optim.AdamW([p for _, p in trained], **ADAMW)
    count = sum(target >= 0 for target in batch["targets"])
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        _, loss = run_batch(model, batch, window)
        (loss / count).backward()
        optimizer.step()
        losses.append(float(loss.detach()) / count)
    return losses


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


def write(path, value):
    with open(path, "w") as file:
        json.dump(rounded(value), file, separators=(",", ":"))
        file.write("\n")


def interleave(weight, heads):
    """The row order of Llama in GGUF: both rows of a rotated pair side by side."""
    rows = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return rows.transpose(1, 2).reshape(weight.shape)


def write_gguf(name, architecture, model):
    config = model.config
    path = f"gguf/{name}.gguf"
    os.makedirs("gguf", exist_ok=True)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_name(name)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if architecture == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if architecture == "llama":
        head = config.hidden_size // config.num_attention_heads
        writer.add_rope_dimension_count(head)
        plain = 1 / 500.0 ** (torch.arange(0, head, 2).float() / head)
        scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config)
        writer.add_tensor("rope_freqs.weight", (plain / scaled).numpy())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([f"t{i}" for i in range(config.vocab_size)])
    writer.add_token_types([1] * config.vocab_size)
    writer.add_token_merges(["t 0"])
    kind = {"llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2,
            "qwen3": gguf.MODEL_ARCH.QWEN3}[architecture]
    names = gguf.get_tensor_name_map(kind, config.num_hidden_layers)
    for tensor_name, tensor in model.state_dict().items():
        if tensor_name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if architecture == "llama" and "q_proj" in tensor_name:
            tensor = interleave(tensor, config.num_attention_heads)
        if architecture == "llama" and "k_proj" in tensor_name:
            tensor = interleave(tensor, config.num_key_value_heads)
        stem, suffix = tensor_name.rsplit(".", 1)
        writer.add_tensor(names.get_name(stem) + "." + suffix, tensor.contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    loaded = transformers.AutoModelForCausalLM.from_pretrained(
        "gguf", gguf_file=f"{name}.gguf", config=config, dtype=torch.float32).state_dict()
    for tensor_name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded[tensor_name]), f"{tensor_name} is written wrong"


GGUF = {"llama3-scaled": "llama", "qwen2-untied": "qwen2", "qwen3": "qwen3"}


def make(name, kind, settings, length):
    generator = torch.Generator().manual_seed(sum(name.encode()))
    config = getattr(transformers, kind + "Config")(**{**COMMON, **settings})
    model = getattr(transformers, kind + "ForCausalLM")(config).float().eval()
    randomize(model.named_parameters(), generator)
    window = config.sliding_window if hasattr(config, "sliding_window") else None
    shutil.rmtree(name, ignore_errors=True)
    model.save_pretrained(name)
    os.remove(os.path.join(name, "generation_config.json"))
    write(os.path.join(name, "tokenizer.json"), {"model": {"type": "BPE"}})
    if name in GGUF:
        write_gguf(name, GGUF[name], model)

    adapted = peft.get_peft_model(model, peft.LoraConfig(
        r=2, lora_alpha=3.0, target_modules=TARGETS, lora_dropout=0.0, bias="none"))
    adapted.eval()
    pairs = [(n.replace(".default.", "."), p)
             for n, p in adapted.named_parameters() if "lora_" in n]
    trained = sorted(pairs)
    randomize(trained, generator)
    adapted.save_pretrained(name + "/adapter")
    os.remove(os.path.join(name, "adapter", "README.md"))
    with open(name + "/adapter/adapter_config.json") as file:
        settings = json.load(file)
    # PEFT writes a set, in any order.
    write(name + "/adapter/adapter_config.json", dict(settings, target_modules=TARGETS))

    drawn = batches(length, config.vocab_size, generator)
    results = [measure(adapted, adapted.disable_adapter, trained, b, window) for b in drawn]
    write(os.path.join(name, "expected.json"), {
        "versions": {m.__name__: m.__version__ for m in (torch, transformers, peft)},
        "batches": results, "losses": train(adapted, trained, drawn[0], window),
    })
    print(name, [round(r["nats"] / sum(t >= 0 for t in r["targets"]), 3) for r in results])


def frequencies():
    """Scaled frequencies at the extents of published models."""
    cases = []
    for theta, head, parameters in [
        (500000.0, 128, {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
        (500000.0, 64, {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0,
                        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}),
        (500.0, 8, LLAMA3),
        (10000.0, 128, {"rope_type": "linear", "factor": 2.5}),
    ]:
        config = transformers.LlamaConfig(
            hidden_size=4 * head, num_attention_heads=4, max_position_embeddings=131072,
            rope_parameters={**parameters, "rope_theta": theta})
        scaled, factor = ROPE_INIT_FUNCTIONS[parameters["rope_type"]](config)
        assert factor == 1
        cases.append({"theta": theta, "headDimension": head, "parameters": parameters,
                      # Nine digits name a float32 exactly.
                      "frequencies": [f"{float(x):.9g}" for x in scaled]})
    write("frequencies.json", cases)


torch.use_deterministic_algorithms(True)
torch.set_num_threads(1)
frequencies()
for entry in MODELS.items():
    make(entry[0], *entry[1])
