"""Writes a Llama of 2 layers with one token per byte as a Hugging Face folder: tiny_model.py FOLDER

Its weights are a formula of their place. A step takes milliseconds, so that a test can end a run at
many of its moments."""
import json
import math
import pathlib
import struct
import sys

HIDDEN, INNER, LAYERS, HEADS, VOCABULARY = 32, 64, 2, 2, 258

config = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": HEADS,
    "vocab_size": VOCABULARY,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "hidden_act": "silu",
}


def byte_letters():
    """GPT-2's letters for bytes: printable ones stand for themselves, the others follow U+0100."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters, code = [], 0x100
    for byte in range(256):
        if byte in printable:
            letters.append(chr(byte))
        else:
            letters.append(chr(code))
            code += 1
    return letters


def tokenizer():
    marks = ["<|im_start|>", "<|im_end|>"]
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": 256 + index, "content": mark, "special": True, "lstrip": False,
             "rstrip": False, "single_word": False, "normalized": False}
            for index, mark in enumerate(marks)
        ],
        "normalizer": None,
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [
                {"type": "Digits", "individual_digits": True},
                {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                 "use_regex": True},
            ],
        },
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {
            "type": "BPE",
            "vocab": {letter: index for index, letter in enumerate(byte_letters())},
            "merges": [],
        },
    }


TEMPLATE = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + "
    "message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def shapes():
    yield "model.embed_tokens.weight", [VOCABULARY, HIDDEN]
    for layer in range(LAYERS):
        prefix = f"model.layers.{layer}."
        for name in ["q_proj", "k_proj", "v_proj", "o_proj"]:
            yield f"{prefix}self_attn.{name}.weight", [HIDDEN, HIDDEN]
        for name in ["gate_proj", "up_proj"]:
            yield f"{prefix}mlp.{name}.weight", [INNER, HIDDEN]
        yield f"{prefix}mlp.down_proj.weight", [HIDDEN, INNER]
        yield f"{prefix}input_layernorm.weight", [HIDDEN]
        yield f"{prefix}post_attention_layernorm.weight", [HIDDEN]
    yield "model.norm.weight", [HIDDEN]


def safetensors():
    header, body = {}, b""
    for place, (name, shape) in enumerate(sorted(shapes())):
        count = math.prod(shape)
        if "norm" in name:
            values = [1.0] * count
        else:
            values = [0.3 * math.sin(0.37 * index + 0.11 * place) for index in range(count)]
        data = struct.pack(f"<{count}f", *values)
        header[name] = {"dtype": "F32", "shape": shape,
                        "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "config.json").write_text(json.dumps(config, indent=1))
(folder / "tokenizer.json").write_text(json.dumps(tokenizer(), ensure_ascii=False))
(folder / "tokenizer_config.json").write_text(
    json.dumps({"chat_template": TEMPLATE, "eos_token": "<|im_end|>"})
)
(folder / "model.safetensors").write_bytes(safetensors())
