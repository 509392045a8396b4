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

# Their next tokens lead by more than the errors of quantised arithmetic.
PROMPTS = ["One, two, three, four, five, six,", "Monday, Tuesday, Wednesday,"]
# Programs that compute the same in Float32.
SAME = 0.01
# A merged model in bfloat16 or float16: 8 or 11 bits a weight, everything else in Float32.
BFLOAT16, FLOAT16 = 0.6, 0.05
# llama.cpp multiplies quantised weights with activations of 8 bits, so a quantised base alone is
# as far off; the row "no adapter" shows how much that is.
ACTIVATIONS = 1.5
# Merged weights rounded to 8 bits.
EIGHT_BITS = 0.5
# Merged weights rounded to 4 or 5 bits again. Most of a small adapter is lost then, whoever rounds,
# so the likeliest token may be another; what is checked is that ggml would lose as much.
FEW_BITS, ERROR_RATIO = 20, 1.02


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

    def add(self, base, what, reference, found, bound, needs_first=True):
        gaps = [float(numpy.abs(a - b).max()) for a, b in zip(reference, found)]
        tops = [set(numpy.argsort(-a)[:10]) & set(numpy.argsort(-b)[:10]) for a, b in zip(reference, found)]
        first = sum(int(a.argmax() == b.argmax()) for a, b in zip(reference, found))
        ok = (first == len(reference) or not needs_first) and max(gaps) <= bound
        self.ok = self.ok and ok
        self.rows.append((
            base, what, f"{first}/{len(reference)}", str(min(map(len, tops))), f"{max(gaps):.5f}",
            f"{bound:g}", "ok" if ok else "FAILED",
        ))  # fmt: skip
        print("  ".join(self.rows[-1]), file=sys.stderr)

    def print(self):
        head = ("base", "compared with starling, adapter on that base", "top-1", "top-10", "max gap", "bound", "")
        widths = [max(len(row[column]) for row in [head, *self.rows]) for column in range(len(head))]
        for row in [head, *self.rows]:
            print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def check_merged(base, merged, changed, kind=None):
    """gguf-py reads the merged file; all but the changed tensors are the base's bytes."""
    before, after = gguf.GGUFReader(base), gguf.GGUFReader(merged)
    assert list(before.fields) == list(after.fields)
    for key in before.fields:
        if not key.startswith("GGUF."):
            assert before.fields[key].contents() == after.fields[key].contents(), key
    count = 0
    for old, new in zip(before.tensors, after.tensors, strict=True):
        is_changed = old.name.rsplit(".", 1)[0] in changed
        assert (old.name, list(old.shape)) == (new.name, list(new.shape))
        assert new.tensor_type == (kind if is_changed and kind else old.tensor_type), new.name
        same = numpy.array_equal(old.data, new.data)
        count += not same
        assert same != is_changed, old.name
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


def exact_weights(folder):
    """The changed weights of a merged Float32 folder, under the names and in the order of GGUF."""
    from safetensors import safe_open

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, 64)
    result = {}
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    heads = {"q_proj": config["num_attention_heads"], "k_proj": config["num_key_value_heads"]}
    with safe_open(os.path.join(folder, "model.safetensors"), "numpy") as file:
        for key in file.keys():
            if "_proj" not in key:
                continue
            weight, count = file.get_tensor(key), heads.get(key.split(".")[-2])
            if count:
                rows, columns = weight.shape
                weight = weight.reshape(count, 2, rows // count // 2, columns).swapaxes(1, 2)
            result[names.get_name(key, (".weight",))] = weight.reshape(-1, weight.shape[-1])
    return result


class Rounding:
    """What the rounding of merged weights does, by type, over all changed tensors."""

    def __init__(self, encode):
        self.encode, self.sums = encode, {}

    def add(self, base, merged, exact):
        before = {tensor.name: tensor for tensor in gguf.GGUFReader(base).tensors}
        for tensor in gguf.GGUFReader(merged).tensors:
            kind = tensor.tensor_type
            if tensor.name not in exact or kind == gguf.GGMLQuantizationType.F32:
                continue
            wanted, old = exact[tensor.name], before[tensor.name]
            ours = gguf.quants.dequantize(tensor.data, kind).reshape(wanted.shape)
            theirs = gguf.quants.dequantize(self.encode(wanted, kind), kind).reshape(wanted.shape)
            start = gguf.quants.dequantize(old.data, old.tensor_type).reshape(wanted.shape)
            change = (wanted - start).astype(numpy.float64)
            entry = self.sums.setdefault((kind.name, old.tensor_type.name), numpy.zeros(4))
            entry += [
                numpy.square(ours - wanted, dtype=numpy.float64).sum(),
                numpy.square(theirs - wanted, dtype=numpy.float64).sum(),
                (change * (ours - start)).sum(), numpy.square(change).sum(),
            ]  # fmt: skip

    def print(self):
        print("\nrounding of merged weights: error over ggml's, and the part of the adapter's change that is left")
        ok = True
        for (kind, old), (ours, theirs, along, whole) in sorted(self.sums.items()):
            ratio = (ours / theirs) ** 0.5
            ok = ok and ratio <= ERROR_RATIO
            print(f"  {old:5} -> {kind:5}  {ratio:.3f}  {along / whole:.2f}")
        return ok


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
    rounding = Rounding(encode)
    for base, model in bases.items():
        plain = starling_logits(program, model)
        prompts = [ids for ids, _ in plain]
        reference = [logits for _, logits in starling_logits(program, model, options.adapter)]
        effect = max(float(numpy.abs(a - b).max()) for (_, a), b in zip(plain, reference))
        assert effect > 3, f"the adapter changes logits by {effect} only"
        bound = SAME if base == "F32" else ACTIVATIONS
        table.add(base, "llama.cpp, no adapter", [b for _, b in plain], llama_logits(model, prompts), bound)

        merged = export(model, options.adapter, "merged-safetensors", f"{base} merged f32", "--type", "f32")
        if base in ("as given", "Q4_K_M"):
            peft_folder = export(model, options.adapter, "peft", f"{base} peft")
            weights = gguf_model.load_model(model)
            adapted = peft.PeftModel.from_pretrained(weights, peft_folder)
            table.add(base, "PEFT, peft", reference, torch_logits(adapted, prompts), SAME)
            del weights, adapted
            types = {"f32": SAME, "bf16": BFLOAT16, "f16": FLOAT16}
            for kind, limit in types.items():
                folder = merged
                if kind != "f32":
                    folder = export(
                        model, options.adapter, "merged-safetensors", f"{base} merged {kind}", "--type", kind
                    )
                loaded = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
                found = torch_logits(loaded, prompts)
                table.add(base, f"transformers, merged-safetensors {kind}", reference, found, limit)
                del loaded

        adapter = export(model, options.adapter, "gguf", f"{base} adapter.gguf")
        changed = check_adapter(adapter, options.rank)
        table.add(base, "llama.cpp, gguf", reference, llama_logits(model, prompts, adapter), bound)

        exact = exact_weights(merged)
        kinds_of_merged = {"base": (SAME, True)} if base == "F32" else {
            "base": (FEW_BITS, False), "q8_0": (EIGHT_BITS, True),
        }  # fmt: skip
        for kind, (limit, needs_first) in kinds_of_merged.items():
            merged_gguf = export(model, options.adapter, "merged-gguf", f"{base} {kind}.gguf", "--type", kind)
            check_merged(model, merged_gguf, changed, gguf.GGMLQuantizationType.Q8_0 if kind == "q8_0" else None)
            rounding.add(model, merged_gguf, exact)
            again = [logits for _, logits in starling_logits(program, merged_gguf)]
            what = f"merged-gguf {kind}"
            table.add(base, f"starling, {what}", reference, again, limit, needs_first)
            theirs = llama_logits(merged_gguf, prompts)
            table.add(base, f"llama.cpp, {what}, and starling on it", again, theirs, bound)

        if base == "F32":
            rooted = path("rooted")
            root_scaled(options.adapter, rooted, options.rank, options.alpha)
            folded = export(model, rooted, "gguf", "rooted.gguf")
            table.add(base, "llama.cpp, gguf, root-scaled", reference, llama_logits(model, prompts, folded), SAME)

    table.print()
    ok = rounding.print()
    sys.exit(0 if table.ok and ok else 1)


main()
