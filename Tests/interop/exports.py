"""Compares the logits of an exported adapter as several programs compute them.

    python exports.py --starling BIN --gguf MODEL.gguf --adapter DIR --work FOLDER

The adapter is exported as a PEFT folder, as a GGUF adapter, as a merged safetensors folder and as a
merged GGUF file, for the model as it is and for the same weights in Float32, Q4_K_M and Q5_K_M.
Prints one table; ends with 1 where the likeliest token differs from `starling generate` or a logit
differs by more than the row's bound.
"""
import argparse
import ctypes
import json
import os
import shutil
import sys

import gguf
import gguf_model
import llama_cpp
import numpy
import peft
import torch
import transformers

PROMPTS = [
    "The capital of France is",
    "To be, or not to be, that is the",
    "Enter a messenger with a letter. My lord, the",
]
# Programs that compute the same in Float32.
SAME = 0.01
# A merged model in bfloat16 or float16: 8 or 11 bits a weight, everything else in Float32.
BFLOAT16, FLOAT16 = 0.6, 0.05
# llama.cpp multiplies quantised weights with activations of 8 bits, so a quantised base alone is
# as far off; the row "no adapter" shows how much that is.
ACTIVATIONS = 1.5
# Merged weights rounded to 4 or 5 bits again, and 8-bit activations where llama.cpp computes.
REQUANTISED = 4.0


def starling_logits(program, model, adapter=None):
    """All logits after each prompt, with the prompt's tokens."""
    result = []
    for prompt in PROMPTS:
        arguments = ["generate", "--model", model, "--prompt", prompt, "--max-tokens", 1]
        arguments += ["--top-logits", 1 << 20]
        if adapter:
            arguments += ["--adapter", adapter]
        [record] = gguf_model.starling(program, *arguments)
        pairs = record["next_logits"]
        logits = numpy.empty(len(pairs), numpy.float32)
        for token, logit in pairs:
            logits[token] = logit
        result.append((record["prompt_token_ids"], logits))
    return result


def torch_logits(model, prompts):
    model = model.eval()
    with torch.no_grad():
        return [model(input_ids=torch.tensor([ids])).logits[0, -1].float().numpy() for ids in prompts]


def llama_logits(path, prompts, adapter=None):
    model = llama_cpp.Llama(
        model_path=str(path), lora_path=adapter and str(adapter), n_ctx=128, logits_all=True,
        type_k=0, type_v=0, flash_attn=False, n_gpu_layers=0, verbose=False,
    )  # fmt: skip
    result = []
    for ids in prompts:
        model.reset()
        model.eval(ids)
        result.append(numpy.array(model.scores[len(ids) - 1]))
    model.close()
    return result


def float32_copy(source, target):
    """The same model with every tensor in Float32, written by gguf-py."""
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(target, reader.get_field("general.architecture").contents())
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        element = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), kind, element)
    for tensor in reader.tensors:
        values = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
        shape = [int(extent) for extent in reversed(tensor.shape)]
        writer.add_tensor(tensor.name, values.astype(numpy.float32).reshape(shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def quantised_copy(source, target, kind):
    """The same model as llama.cpp quantises it."""
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = kind
    status = llama_cpp.llama_model_quantize(
        str(source).encode(), str(target).encode(), ctypes.byref(parameters)
    )
    if status != 0:
        sys.exit(f"llama.cpp can't quantise {source}")


def root_scaled(source, target, rank, alpha):
    """The same adapter as one with use_rslora, whose alpha is smaller by the square root."""
    shutil.copytree(source, target)
    path = os.path.join(target, "adapter_config.json")
    with open(path) as file:
        config = json.load(file)
    assert config["r"] == rank and config["lora_alpha"] == alpha
    config |= {"use_rslora": True, "lora_alpha": alpha / rank**0.5}
    with open(path, "w") as file:
        json.dump(config, file)


@llama_cpp.llama_log_callback
def silent(level, text, data):
    """Takes llama.cpp's log, which has a line for every tensor."""


class Table:
    def __init__(self):
        self.rows, self.ok = [], True

    def add(self, base, what, reference, found, bound):
        gaps = [float(numpy.abs(a - b).max()) for a, b in zip(reference, found)]
        tops = [set(numpy.argsort(-a)[:10]) & set(numpy.argsort(-b)[:10]) for a, b in zip(reference, found)]
        first = sum(int(a.argmax() == b.argmax()) for a, b in zip(reference, found))
        ok = first == len(reference) and max(gaps) <= bound
        self.ok = self.ok and ok
        self.rows.append((
            base, what, f"{first}/{len(reference)}", str(min(map(len, tops))), f"{max(gaps):.4f}",
            f"{bound:g}", "ok" if ok else "FAILED",
        ))  # fmt: skip
        print("  ".join(self.rows[-1]), file=sys.stderr)

    def print(self):
        head = ("base", "compared with starling, adapter on that base", "top-1", "top-10", "max gap", "bound", "")
        widths = [max(len(row[column]) for row in [head, *self.rows]) for column in range(len(head))]
        for row in [head, *self.rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def check_merged(base, merged, changed):
    """gguf-py reads the merged file; all but the changed tensors are the base's bytes."""
    before, after = gguf.GGUFReader(base), gguf.GGUFReader(merged)
    assert list(before.fields) == list(after.fields)
    for key in before.fields:
        if not key.startswith("GGUF."):
            assert before.fields[key].contents() == after.fields[key].contents(), key
    count = 0
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.name, old.tensor_type, list(old.shape)) == (new.name, new.tensor_type, list(new.shape))
        same = numpy.array_equal(old.data, new.data)
        count += not same
        assert same or old.name.rsplit(".", 1)[0] in changed, old.name
    assert count == len(changed), (count, len(changed))


def check_adapter(path, rank):
    """gguf-py reads the adapter: its fields, and pairs that fit together."""
    reader = gguf.GGUFReader(path)
    text = lambda key: reader.get_field(key).contents()
    assert text("general.type") == "adapter" and text("adapter.type") == "lora"
    shapes = {tensor.name: list(map(int, tensor.shape)) for tensor in reader.tensors}
    names = {name.rsplit(".weight.lora_", 1)[0] for name in shapes}
    assert len(shapes) == 2 * len(names)
    for name in names:
        a, b = shapes[name + ".weight.lora_a"], shapes[name + ".weight.lora_b"]
        assert a[1] == rank and b[0] == rank, (name, a, b)
    return names


def ggml_encoder():
    """ggml's own quantiser."""
    library = ctypes.CDLL(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", "libggml-base.so"))
    library.ggml_quantize_chunk.restype = ctypes.c_size_t
    library.ggml_quantize_chunk.argtypes = [
        ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64,
        ctypes.c_void_p,
    ]  # fmt: skip

    def encode(values, kind):
        block, size = gguf.GGML_QUANT_SIZES[kind]
        result = numpy.empty(values.size // block * size, numpy.uint8)
        values = numpy.ascontiguousarray(values, numpy.float32)
        library.ggml_quantize_chunk(
            int(kind), values.ctypes.data, result.ctypes.data, 0, values.shape[0], values.shape[1], None
        )
        return result

    return encode


def compare_encoders(merged, exact_folder, encode):
    """Root mean square errors of the merged tensors, per type: ours over ggml's."""
    from safetensors import safe_open

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 64)
    exact = {}
    with safe_open(os.path.join(exact_folder, "model.safetensors"), "numpy") as file:
        for key in file.keys():
            if "_proj" in key and "q_proj" not in key and "k_proj" not in key:
                exact[names.get_name(key, (".weight",)) + ".weight"] = file.get_tensor(key)
    sums = {}
    for tensor in gguf.GGUFReader(merged).tensors:
        if tensor.name not in exact or tensor.tensor_type == gguf.GGMLQuantizationType.F32:
            continue
        kind, values = tensor.tensor_type, exact[tensor.name]
        ours = gguf.quants.dequantize(tensor.data, kind).reshape(values.shape)
        theirs = gguf.quants.dequantize(encode(values, kind), kind).reshape(values.shape)
        entry = sums.setdefault(kind.name, [0.0, 0.0])
        entry[0] += float(numpy.square(ours - values, dtype=numpy.float64).sum())
        entry[1] += float(numpy.square(theirs - values, dtype=numpy.float64).sum())
    return {name: (ours / theirs) ** 0.5 for name, (ours, theirs) in sums.items()}


def main():
    parser = argparse.ArgumentParser()
    for name in ["starling", "gguf", "adapter", "work"]:
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--alpha", type=float, default=16)
    options = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    llama_cpp.llama_log_set(silent, None)
    program, work = options.starling, options.work
    path = lambda name: os.path.join(work, name)

    def export(model, adapter, kind, name, *more):
        gguf_export = [program, "export", "--adapter", adapter, "--model", model, "--format", kind]
        if os.spawnv(os.P_WAIT, program, [*gguf_export, "--out", path(name), "--json", *more]) != 0:
            sys.exit(f"the export as {kind} failed")
        return path(name)

    table = Table()
    float32 = path("f32.gguf")
    float32_copy(options.gguf, float32)
    kinds = {"Q4_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M, "Q5_K_M": llama_cpp.LLAMA_FTYPE_MOSTLY_Q5_K_M}
    bases = {"as given": options.gguf, "F32": float32}
    for name, kind in kinds.items():
        bases[name] = path(name + ".gguf")
        quantised_copy(float32, bases[name], kind)

    encode = ggml_encoder()
    ratios = {}
    for base, model in bases.items():
        plain = starling_logits(program, model)
        prompts = [ids for ids, _ in plain]
        reference = [logits for _, logits in starling_logits(program, model, options.adapter)]
        effect = max(float(numpy.abs(a - b).max()) for (_, a), b in zip(plain, reference))
        assert effect > 3, f"the adapter changes logits by {effect} only"
        bound = SAME if base == "F32" else ACTIVATIONS
        table.add(base, "llama.cpp, no adapter", [b for _, b in plain], llama_logits(model, prompts), bound)

        peft_folder = export(model, options.adapter, "peft", f"{base} peft")
        weights = gguf_model.load_model(model)
        adapted = peft.PeftModel.from_pretrained(weights, peft_folder)
        table.add(base, "PEFT, peft", reference, torch_logits(adapted, prompts), SAME)
        del weights, adapted

        merged = export(model, options.adapter, "merged-safetensors", f"{base} merged f32", "--type", "f32")
        types = {"f32": (merged, SAME)}
        if base == "as given":
            for kind, limit in [("bf16", BFLOAT16), ("f16", FLOAT16)]:
                folder = export(
                    model, options.adapter, "merged-safetensors", f"{base} merged {kind}", "--type", kind
                )
                types[kind] = (folder, limit)
        for kind, (folder, limit) in types.items():
            loaded = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            table.add(base, f"transformers, merged-safetensors {kind}", reference, torch_logits(loaded, prompts), limit)
            del loaded

        adapter = export(model, options.adapter, "gguf", f"{base} adapter.gguf")
        changed = check_adapter(adapter, options.rank)
        table.add(base, "llama.cpp, gguf", reference, llama_logits(model, prompts, adapter), bound)

        merged_gguf = export(model, options.adapter, "merged-gguf", f"{base} merged.gguf")
        check_merged(model, merged_gguf, changed)
        limit = SAME if base == "F32" else REQUANTISED
        again = [logits for _, logits in starling_logits(program, merged_gguf)]
        table.add(base, "starling, merged-gguf", reference, again, limit)
        theirs = llama_logits(merged_gguf, prompts)
        table.add(base, "llama.cpp, merged-gguf", reference, theirs, limit)
        table.add(base, "llama.cpp, merged-gguf, against starling on it", again, theirs, bound)
        ratios |= compare_encoders(merged_gguf, merged, encode)

        if base == "F32":
            rooted = path("rooted")
            root_scaled(options.adapter, rooted, options.rank, options.alpha)
            folded = export(model, rooted, "gguf", "rooted.gguf")
            table.add(base, "llama.cpp, gguf, root-scaled", reference, llama_logits(model, prompts, folded), SAME)

    table.print()
    print("\nerror of requantised weights over ggml's own quantiser's:")
    for name, ratio in sorted(ratios.items()):
        print(f"  {name}  {ratio:.3f}")
    sys.exit(0 if table.ok else 1)


main()
