"""Writes the first inputs of the fuzzers below corpus/: small files of each format, most of them good.

Findings of the fuzzers are kept there too, as crash-*; this script leaves them alone."""
import json
import pathlib
import struct

root = pathlib.Path(__file__).parent / "corpus"


def put(reader, name, data):
    folder = root / reader
    folder.mkdir(parents=True, exist_ok=True)
    assert len(data) < 4096, f"{reader}/{name} has {len(data)} bytes"
    (folder / name).write_bytes(data)


# GGUF


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def field(kind, value):
    formats = {"u32": (4, "<I"), "i32": (5, "<i"), "f32": (6, "<f"), "bool": (7, "<B"),
               "u64": (10, "<Q"), "f64": (12, "<d"), "u8": (0, "<B"), "i16": (3, "<h")}
    if kind == "string":
        return struct.pack("<I", 8) + text(value)
    if kind == "strings":
        return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    if kind == "i32s":
        return struct.pack("<IIQ", 9, 5, len(value)) + struct.pack(f"<{len(value)}i", *value)
    if kind == "nested":
        inner = b"".join(struct.pack("<IQ", 0, len(row)) + bytes(row) for row in value)
        return struct.pack("<IIQ", 9, 9, len(value)) + inner
    code, layout = formats[kind]
    return struct.pack("<I", code) + struct.pack(layout, value)


# Elements and bytes of a block, by GGUF's number of the type.
BLOCKS = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 8: (32, 34), 30: (1, 2)}


def gguf(keys, tensors, version=3, alignment=32):
    head = b"GGUF" + struct.pack("<IQQ", version, len(tensors), len(keys))
    for key, kind, value in keys:
        head += text(key) + field(kind, value)
    data = b""
    for name, extents, kind in tensors:
        per_block, block_bytes = BLOCKS[kind]
        count = 1
        for extent in extents:
            count *= extent
        head += text(name) + struct.pack("<I", len(extents))
        head += struct.pack(f"<{len(extents)}Q", *extents)
        head += struct.pack("<IQ", kind, len(data))
        data += bytes(count // per_block * block_bytes)
        data += bytes(-len(data) % alignment)
    return head + bytes(-len(head) % alignment) + data


def llama(kind=0, hidden=8, inner=12, architecture="llama", biases=False, norms=False):
    a = architecture
    keys = [
        ("general.architecture", "string", a),
        ("general.name", "string", "Tiny"),
        (f"{a}.block_count", "u32", 1),
        (f"{a}.context_length", "u64", 64),
        (f"{a}.embedding_length", "u32", hidden),
        (f"{a}.feed_forward_length", "u32", inner),
        (f"{a}.attention.head_count", "u32", 2),
        (f"{a}.attention.head_count_kv", "u32", 1),
        (f"{a}.attention.layer_norm_rms_epsilon", "f32", 1e-5),
        (f"{a}.rope.freq_base", "f32", 5000.0),
        ("tokenizer.ggml.model", "string", "gpt2"),
        ("tokenizer.ggml.pre", "string", "smollm"),
        ("tokenizer.ggml.tokens", "strings", ["<e>", "a", "b", "ab"]),
        ("tokenizer.ggml.token_type", "i32s", [3, 1, 1, 1]),
        ("tokenizer.ggml.merges", "strings", ["a b"]),
        ("tokenizer.ggml.eos_token_id", "u32", 0),
    ]
    half = hidden // 2
    tensors = [
        ("token_embd.weight", [hidden, 4], kind),
        ("output_norm.weight", [hidden], 0),
        ("blk.0.attn_norm.weight", [hidden], 0),
        ("blk.0.attn_q.weight", [hidden, hidden], kind),
        ("blk.0.attn_k.weight", [hidden, half], kind),
        ("blk.0.attn_v.weight", [hidden, half], kind),
        ("blk.0.attn_output.weight", [hidden, hidden], kind),
        ("blk.0.ffn_norm.weight", [hidden], 0),
        ("blk.0.ffn_gate.weight", [hidden, inner], kind),
        ("blk.0.ffn_up.weight", [hidden, inner], kind),
        ("blk.0.ffn_down.weight", [inner, hidden], kind),
    ]
    if biases:
        tensors += [("blk.0.attn_q.bias", [hidden], 0), ("blk.0.attn_k.bias", [half], 0),
                    ("blk.0.attn_v.bias", [half], 0)]
    if norms:
        tensors += [("blk.0.attn_q_norm.weight", [half], 0), ("blk.0.attn_k_norm.weight", [half], 0)]
    return keys, tensors


def make_gguf():
    keys, tensors = llama()
    put("gguf", "f32.gguf", gguf(keys, tensors))
    put("gguf", "version2.gguf", gguf(keys, tensors, version=2))
    put("gguf", "no-keys.gguf", gguf([], []))
    put("gguf", "f16.gguf", gguf(*llama(kind=1)))
    put("gguf", "bf16.gguf", gguf(*llama(kind=30)))
    # Blocks of 32 elements need wider rows; which tensors a model needs is asked elsewhere.
    for name, kind in [("q4_0", 2), ("q4_1", 3), ("q8_0", 8)]:
        wide, some = llama(kind=kind, hidden=32, inner=32)
        put("gguf", f"{name}.gguf", gguf(wide, some[:4]))
    extra = [("general.alignment", "u32", 64), ("x.bool", "bool", 1), ("x.f64", "f64", 0.5),
             ("x.i16", "i16", -3), ("x.nested", "nested", [[1, 2], [3]]),
             ("tokenizer.chat_template", "string", "{% for m in messages %}{{ m }}{% endfor %}"),
             ("llama.rope.scaling.type", "string", "none"), ("llama.vocab_size", "u32", 4)]
    put("gguf", "extra-keys.gguf", gguf(keys + extra, tensors, alignment=64))
    put("gguf", "head.gguf", gguf(keys, tensors + [("output.weight", [8, 4], 0)]))
    put("gguf", "qwen2.gguf", gguf(*llama(architecture="qwen2", biases=True)))
    put("gguf", "qwen3.gguf", gguf(*llama(architecture="qwen3", norms=True)))
    put("gguf", "cut.gguf", gguf(keys, tensors)[:700])
    put("gguf", "magic.gguf", b"GGUF" + struct.pack("<IQQ", 3, 2**63, 2**63))


# safetensors


def safetensors(header, size):
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + bytes(size)


def make_safetensors():
    one = {"a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
    put("safetensors", "one", safetensors(one, 24))
    put("safetensors", "metadata", safetensors({"__metadata__": {"format": "pt"}, **one}, 24))
    kinds = {"BF16": 2, "F16": 2, "F32": 4, "F64": 8, "I64": 8, "U8": 1, "BOOL": 1}
    header, end = {}, 0
    for kind, size in kinds.items():
        header[f"t.{kind}"] = {"dtype": kind, "shape": [3], "data_offsets": [end, end + 3 * size]}
        end += 3 * size
    put("safetensors", "kinds", safetensors(header, end))
    put("safetensors", "empty", safetensors({}, 0))
    scalar = {"s": {"dtype": "F32", "shape": [], "data_offsets": [0, 4]},
              "z": {"dtype": "F32", "shape": [0, 7], "data_offsets": [4, 4]}}
    put("safetensors", "scalar", safetensors(scalar, 4))
    overlapping = {name: {"dtype": "U8", "shape": [4], "data_offsets": [0, 4]} for name in "ab"}
    put("safetensors", "overlap", safetensors(overlapping, 4))
    put("safetensors", "long-header", struct.pack("<Q", 2**63) + b"{}")
    put("safetensors", "short", safetensors(one, 5))
    huge = {"h": {"dtype": "F32", "shape": [2**32, 2**32], "data_offsets": [0, 4]}}
    put("safetensors", "huge-shape", safetensors(huge, 4))


# tokenizer.json, 0, tokenizer_config.json, 0, a text

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
              "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}
LLAMA = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"
         r"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CHATML = ("{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + "
          "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


def tokenizer(pre, vocabulary, merges, added=(), **more):
    return {
        "version": "1.0",
        "added_tokens": [
            {"id": number, "content": content, "special": special, "lstrip": False,
             "rstrip": False, "single_word": False, "normalized": False}
            for number, content, special in added
        ],
        "normalizer": None,
        "pre_tokenizer": pre,
        "post_processor": None,
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": merges, **more},
    }


def join(definition, config=None, sample="To be, or 2 be?\n"):
    parts = [json.dumps(definition, ensure_ascii=False)]
    parts += ["" if config is None else json.dumps(config), sample]
    return "\0".join(parts).encode()


def make_tokenizer():
    letters = "".join(dict.fromkeys("To be, r2?abcdefgh".replace(" ", "Ġ"))) + "Ċ"
    vocabulary = {letter: number for number, letter in enumerate(letters)}
    first = len(vocabulary)
    vocabulary.update({"be": first, "Ġbe": first + 1, "To": first + 2})
    split = {"type": "Split", "pattern": {"Regex": LLAMA}, "behavior": "Isolated",
             "invert": False}
    inner = dict(BYTE_LEVEL, use_regex=False)
    marks = [(40, "<|im_start|>", True), (41, "<|im_end|>", True), (42, "fooBar", False)]
    config = {"chat_template": CHATML, "eos_token": "<|im_end|>"}
    chat = "<|im_start|>user\nfooBar 12345 naïve 東京\r\n\t<|im_end|>"
    pairs = [["b", "e"], ["Ġ", "be"], ["T", "o"]]
    lines = ["b e", "Ġ be", "T o"]
    put("tokenizer", "gpt2", join(tokenizer(BYTE_LEVEL, vocabulary, lines)))
    sequence = {"type": "Sequence", "pretokenizers": [DIGITS, BYTE_LEVEL]}
    put("tokenizer", "smollm", join(tokenizer(sequence, vocabulary, pairs, marks), config, chat))
    sequence = {"type": "Sequence", "pretokenizers": [split, inner]}
    put("tokenizer", "llama3", join(
        tokenizer(sequence, vocabulary, pairs, marks, ignore_merges=True), config, chat))
    post = {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}}]}
    definition = tokenizer(sequence, vocabulary, pairs, marks)
    definition["post_processor"] = post
    put("tokenizer", "prefix", join(definition, {"bos_token": "<|im_start|>"}, chat))
    put("tokenizer", "unknown", join(
        tokenizer(BYTE_LEVEL, {"<u>": 0, "a": 1}, [], unk_token="<u>"), None, "aé\0b"))
    put("tokenizer", "far-id", join(tokenizer(BYTE_LEVEL, {"a": 2**40}, [])))
    put("tokenizer", "empty", join(tokenizer(BYTE_LEVEL, {}, [])))
    bytes_text = {"type": "BPE", "byte_fallback": True, "fuse_unk": True, "unk_token": "<unk>",
                  "vocab": {"<unk>": 0, "<0x0A>": 1, "▁": 2, "b": 3, "e": 4, "be": 5, "▁be": 6},
                  "merges": ["b e", "▁ be"]}
    definition = tokenizer(None, {}, [])
    definition["model"] = bytes_text
    definition["normalizer"] = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
    definition["decoder"] = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    put("tokenizer", "byte-fallback", join(definition))


# config.json

LLAMA_CONFIG = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": True,
    "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
}


def make_config():
    def config(name, **changes):
        merged = {**LLAMA_CONFIG, **changes}
        put("config", name, json.dumps(merged, indent=1).encode())

    config("llama.json")
    config("head-dim.json", head_dim=32)
    config("llama3.json", rope_scaling={
        "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
        "original_max_position_embeddings": 64})
    config("linear.json", rope_scaling={"type": "linear", "factor": 2})
    config("mistral.json", model_type="mistral", architectures=["MistralForCausalLM"],
           sliding_window=128)
    config("qwen2.json", model_type="qwen2", architectures=["Qwen2ForCausalLM"],
           use_sliding_window=False, max_window_layers=2)
    config("qwen3.json", model_type="qwen3", architectures=["Qwen3ForCausalLM"], head_dim=16)
    config("rope-parameters.json", rope_parameters={"rope_type": "default", "rope_theta": 5e5})
    config("quantised.json", quantization_config={"bits": 4})
    config("huge.json", hidden_size=2**62, num_attention_heads=2**61, vocab_size=2**63)
    config("zero.json", num_attention_heads=0, hidden_size=0)
    config("negative.json", num_hidden_layers=-1, num_key_value_heads=-2)
    config("strings.json", hidden_size="64", rms_norm_eps="x")
    put("config", "nested.json", b"[" * 2000)


# JSONL


def make_jsonl():
    shapes = [
        {"text": "To be, or not to be"},
        {"prompt": "2+2=", "completion": "4"},
        {"instruction": "Add", "input": "1 1", "response": "2"},
        {"instruction": "Add", "input": None, "output": "2"},
        {"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
                      {"role": "assistant", "content": "é\u2028\U0001F600"}]},
    ]
    lines = [json.dumps(shape) for shape in shapes]
    put("jsonl", "shapes.jsonl", "\n".join(lines).encode())
    put("jsonl", "crlf.jsonl", b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode() + b"\r\n")
    for index, line in enumerate(lines):
        put("jsonl", f"line{index}.jsonl", line.encode())
    put("jsonl", "raw.jsonl", json.dumps(shapes[4], ensure_ascii=False).encode())
    put("jsonl", "escapes.jsonl", rb'{"text": "\u0041\ud83d\ude00\n\t\"\\\/"}')
    put("jsonl", "lone.jsonl", rb'{"text": "\ud83d"}')
    put("jsonl", "latin1.jsonl", b'{"text": "\xe9"}')
    put("jsonl", "deep.jsonl", b'{"text": ' + b"[" * 500)
    put("jsonl", "numbers.jsonl", b'{"text": [1e999, -0, 1.5E-3, 123456789012345678901234567890]}')


# Gossip


def varint(value):
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def part(number, value):
    """A protobuf field: a number, or bytes behind their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def make_gossip():
    # Signed by the key of seed 32 x 02 for the topic t; the signature of the second is broken.
    author = bytes.fromhex("002408011220"
                           "8139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b394")
    signature = bytes.fromhex("3972067fe700dcc89826501ceb716f8baef1bd7228c95c20a2e65e7b204a6751"
                              "813a6b4befad28f6e142424836e6022e5b2e723321c60c74874b811a65ca7407")
    fields = part(1, author) + part(2, b"hello") + part(3, bytes(7) + b"\x01") + part(4, b"t")
    message = fields + part(5, signature)
    broken = fields + part(5, signature[:-1] + b"\0")
    message_id = author + bytes(7) + b"\x02"
    frames = {
        "subscribe": part(1, part(1, 1) + part(2, b"t")),
        "message": part(2, message),
        "broken": part(2, broken) + part(2, message),
        "ihave": part(3, part(1, part(1, b"t") + part(2, message_id))),
        "iwant": part(3, part(2, part(1, author + bytes(7) + b"\x01"))),
        "graft": part(3, part(3, part(1, b"t"))),
        "prune": part(3, part(4, part(1, b"t") + part(2, part(1, author) + part(2, b"x"))
                              + part(3, 60))),
        "later": part(3, part(5, part(1, message_id)) + part(6, b"")),
    }
    for name, frame in frames.items():
        put("gossip", name, varint(len(frame)) + frame)
    order = ["subscribe", "graft", "message", "iwant", "prune", "graft", "ihave", "later"]
    put("gossip", "talk", b"".join(varint(len(frames[n])) + frames[n] for n in order))
    put("gossip", "bare-message", message)
    put("gossip", "parts", varint(2 * 2000) + b"\x0a\x00" * 2000)


# Announcements: without the domain in front no input gets far.


def make_announcements():
    def announcement(kind, *parts):
        return b"starling/gossip/1\0" + bytes(range(32)) + bytes([kind]) + b"".join(parts)

    digest = bytes(range(32, 64))
    number = (7).to_bytes(8, "big")
    # The base point of Ed25519: a key that can be one.
    key = bytes([0x58]) + bytes([0x66]) * 31
    note = b"starling/log\n7\n" + b"A" * 44 + b"\n\n\xe2\x80\x94 node AAAA\n"
    put("announcement", "update", announcement(1, number, digest, number))
    put("announcement", "result", announcement(2, number, number, digest))
    put("announcement", "tree-head", announcement(3, len(note).to_bytes(4, "big"), note))
    put("announcement", "joined", announcement(4, number, key, b"\x01"))
    put("announcement", "left", announcement(4, number, key, b"\x00"))
    put("announcement", "unknown-kind", announcement(5, number))
    put("announcement", "cut", announcement(1, number)[:60])


make_gguf()
make_safetensors()
make_tokenizer()
make_config()
make_jsonl()
make_gossip()
make_announcements()
size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
assert size < 200_000, size
print(f"{sum(path.is_file() for path in root.rglob('*'))} files, {size} bytes")
