"""Writes cases.json: small Llama models with READ over their depth, as torch's own RNN, GRU and LSTM
compute it in float32, all positions at once.

Weights of the model and of the adapter follow from closed forms (see `fill`), so the file holds only
results. Needs torch and transformers; run it in this folder.
"""

import json
import math

import torch
import transformers

MODEL = {
    "vocab_size": 50, "hidden_size": 24, "intermediate_size": 36, "num_hidden_layers": 4,
    "num_attention_heads": 6, "num_key_value_heads": 2, "head_dim": 6,
    "max_position_embeddings": 64, "rms_norm_eps": 1e-6, "rope_theta": 500.0,
    "tie_word_embeddings": False,
}
CELLS = {"rnn": torch.nn.RNN, "gru": torch.nn.GRU, "lstm": torch.nn.LSTM}
PLAIN = {"in_scale": 1.0, "out_scale": 1.0, "layers": None, "init": False}
CASES = [
    dict(PLAIN, cell=cell, aggregation=aggregation)
    for cell in CELLS for aggregation in ["mean", "last"]
] + [
    dict(PLAIN, cell="gru", aggregation="mean", layers=[0, 2, 3]),
    dict(PLAIN, cell="lstm", aggregation="last", layers=[1]),
    dict(PLAIN, cell="gru", aggregation="last", init=True),
    dict(cell="lstm", aggregation="mean", in_scale=0.5, out_scale=1.5, layers=[1, 3], init=True),
    dict(cell="rnn", aggregation="mean", in_scale=2.0, out_scale=-0.75, layers=None, init=True),
]
STATE = 10


class READ(torch.nn.Module):
    def __init__(self, spec, width):
        super().__init__()
        self.spec = spec
        self.rnn = CELLS[spec["cell"]](width, STATE)
        self.norm = torch.nn.ParameterDict({"weight": torch.nn.Parameter(torch.ones(width))})
        self.out = torch.nn.Linear(STATE, width)
        if spec["init"]:
            self.init = torch.nn.Linear(width, STATE)

    def normed(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.norm["weight"]

    def forward(self, states):
        """states: phi_0 to phi_N, each [row, channel]; the sequence of the network is the depth."""
        spec = self.spec
        layers = spec["layers"] if spec["layers"] is not None else range(len(states) - 1)
        x = torch.stack([self.normed(states[layer + 1]) * spec["in_scale"] for layer in layers])
        first = torch.zeros(1, x.shape[1], STATE)
        if spec["init"]:
            first = self.init(self.normed(states[0]))[None]
        start = (first, torch.zeros_like(first)) if spec["cell"] == "lstm" else first
        h, _ = self.rnn(x, start)
        z = h.mean(0) if spec["aggregation"] == "mean" else h[-1]
        return states[-1] + spec["out_scale"] * self.out(z)


def fill(named, value):
    """Sets the t-th parameter by name at flat index k."""
    with torch.no_grad():
        for t, (name, parameter) in enumerate(sorted(named)):
            k = torch.arange(parameter.numel(), dtype=torch.float64)
            parameter.copy_(value(name, k, t).float().view_as(parameter))


def base_value(name, k, t):
    if "norm" in name:
        return 1 + 0.1 * torch.sin(0.7 * k + t)
    return 0.2 * torch.sin(0.37 * k + 0.11 * t)


def adapter_value(name, k, t):
    value = 0.3 * torch.sin(0.5 * k + 0.3 * t)
    return 1 + value if name == "read.norm.weight" else value


def phis(model, ids):
    """The residual stream, before the final norm in the last place too."""
    kept = []
    hooks = [layer.register_forward_hook(
        lambda _, __, out: kept.append(out[0] if isinstance(out, tuple) else out))
        for layer in model.model.layers]
    with torch.no_grad():
        embedded = model.model.embed_tokens(ids)
        model(ids, use_cache=False)
    for hook in hooks:
        hook.remove()
    return [x.reshape(-1, x.shape[-1]) for x in [embedded] + kept]


def case(spec):
    config = transformers.LlamaConfig(attn_implementation="eager", **MODEL)
    model = transformers.LlamaForCausalLM(config).float().eval()
    fill(list(model.named_parameters()), base_value)
    adapter = READ(spec, MODEL["hidden_size"])
    trained = [("read." + name, p) for name, p in adapter.named_parameters()]
    fill(trained, adapter_value)
    sequences, length, vocabulary = 2, 9, MODEL["vocab_size"]
    rows = sequences * length
    inputs = [(7 * k + k * k // 5 + 3) % vocabulary for k in range(rows)]
    targets = [-1 if k % 4 == 2 else (5 * k + 1) % vocabulary for k in range(rows)]
    states = phis(model, torch.tensor(inputs).view(sequences, length))
    logits = model.lm_head(model.model.norm(adapter(states)))
    loss = torch.nn.functional.cross_entropy(
        logits, torch.tensor(targets), ignore_index=-1, reduction="sum")
    normalizer = sum(target >= 0 for target in targets)
    (loss / normalizer).backward()
    gradients = {}
    for name, parameter in sorted(trained):
        flat = parameter.grad.double().flatten()
        gradients[name] = {
            "norm": math.sqrt(float((flat * flat).sum())),
            # One value in three; the norm covers the others.
            "values": [float(x) for x in flat[::3]],
        }
    return dict(
        spec, sequences=sequences, length=length, inputs=inputs, wanted=targets,
        normalizer=normalizer, loss=float(loss.detach()), gradients=gradients,
        logits=[float(x) for row in (0, 7, rows - 1) for x in logits.detach()[row][:6]])


def rounded(value):
    if isinstance(value, float):
        return float(f"{value:.7g}")
    if isinstance(value, list):
        return [rounded(v) for v in value]
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return value


with open("cases.json", "w") as file:
    json.dump({
        "versions": {m.__name__: m.__version__ for m in (torch, transformers)},
        "model": MODEL, "state": STATE, "cases": [rounded(case(spec)) for spec in CASES],
    }, file, separators=(",", ":"))
    file.write("\n")
