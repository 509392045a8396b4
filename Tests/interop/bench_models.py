"""Writes the forms of a GGUF model that bench.py's systems load, once, into a folder.

    python bench_models.py --gguf MODEL.gguf --cache FOLDER

PyTorch loads Hugging Face folders, so that its memory has no part of a conversion; llama.cpp loads
GGUF files in the type that it computes with. Values that went through 4 bits stay what they were.
Prints one JSON object: name to path.
"""
import argparse
import ctypes
import hashlib
import json
import os
import shutil
import sys

import gguf_model
import torch

try:
    import llama_cpp
except ImportError:
    llama_cpp = None

FOLDERS = {"folder-f32": torch.float32, "folder-bf16": torch.bfloat16}
# llama.cpp's names of file types.
FILES = {"f32": "ALL_F32", "bf16": "MOSTLY_BF16", "Q4_0": "MOSTLY_Q4_0", "Q4_K_M": "MOSTLY_Q4_K_M"}


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:12]


def write_folder(source, target, dtype):
    model = gguf_model.load_model(source).to(dtype)
    model.save_pretrained(target)


def write_file(source, target, kind):
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, "LLAMA_FTYPE_" + kind)
    parameters.allow_requantize = True
    status = llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters))
    if status != 0:
        sys.exit(f"llama.cpp can't write {target}: {status}")


def make(target, write):
    """Writes beside the place and renames, so that what has the name is whole."""
    if os.path.exists(target):
        return
    part = target + ".part"
    shutil.rmtree(part, ignore_errors=True)
    print(f"writing {target}", file=sys.stderr)
    write(part)
    os.rename(part, target)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--cache", required=True)
    options = parser.parse_args()
    source = os.path.abspath(options.gguf)
    stem = os.path.splitext(os.path.basename(source))[0]
    place = os.path.join(os.path.abspath(options.cache), f"{stem}-{digest(source)}")
    os.makedirs(place, exist_ok=True)
    models = {"given": source}
    for name, dtype in FOLDERS.items():
        models[name] = os.path.join(place, name)
        make(models[name], lambda part: write_folder(source, part, dtype))
    if llama_cpp:
        llama_cpp.llama_log_set(silent, None)
        for name, kind in FILES.items():
            models[name] = os.path.join(place, name + ".gguf")
            make(models[name], lambda part: write_file(source, part, kind))
    print(json.dumps(models))


if llama_cpp:

    @llama_cpp.llama_log_callback
    def silent(level, text, data):
        """Takes llama.cpp's log, which has a line for every tensor."""


main()
