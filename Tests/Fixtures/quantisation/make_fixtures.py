"""Writes vectors.json: blocks of every quantised type with the values that gguf-py decodes from
them, and values with the blocks that gguf-py encodes them in where it can.

Needs gguf and numpy; run it in this folder. Bytes and Float32 values are little-endian hexadecimal.
"""

import json

import gguf
import numpy

# Where the blocks of a type have their binary16 numbers; random bytes would make some infinite.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
}
ENCODED = ["F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]


def decoded(generator):
    for name, places in HALVES.items():
        kind = gguf.GGMLQuantizationType[name]
        elements, size = gguf.GGML_QUANT_SIZES[kind]
        count = max(2, 64 // elements)
        blocks = generator.integers(0, 256, (count, size), dtype=numpy.uint8)
        for place in places:
            halves = generator.normal(0, 0.05, count).astype(numpy.float16)
            blocks[:, place:place + 2] = halves.view(numpy.uint8).reshape(count, 2)
        values = gguf.quants.dequantize(blocks.reshape(-1), kind)
        yield {"type": name, "bytes": blocks.tobytes().hex(), "values": values.tobytes().hex()}


def samples(generator):
    """Blocks of 32: normal ones of several sizes, and those where a rule has to decide."""
    blocks = [generator.normal(0, scale, 32) for scale in (1, 0.02, 300)]
    blocks += [generator.uniform(0, 1, 32), generator.uniform(-3, -2, 32)]
    blocks.append(numpy.zeros(32))
    blocks.append(numpy.full(32, 0.75))
    blocks.append(numpy.full(32, -0.0))
    # Halfway between steps, with the largest magnitude at both ends of the range.
    blocks.append(numpy.arange(-16, 16) / 2)
    blocks.append(numpy.concatenate([[-8, 8], numpy.arange(-15, 15) / 2]))
    blocks.append(numpy.concatenate([[127, -127], numpy.arange(-15, 15) + 0.5]))
    # Steps below the smallest binary16 number, and around its subnormal ones.
    blocks.append(generator.normal(0, 1e-9, 32))
    blocks.append(generator.normal(0, 1e-5, 32))
    return numpy.stack(blocks).astype(numpy.float32)


def encoded(values):
    for name in ENCODED:
        blocks = gguf.quants.quantize(values, gguf.GGMLQuantizationType[name])
        yield {"type": name, "bytes": blocks.tobytes().hex(), "values": values.tobytes().hex()}


def main():
    generator = numpy.random.default_rng(20240607)
    with open("vectors.json", "w") as file:
        json.dump(
            {
                "decoded": list(decoded(generator)),
                "encoded": list(encoded(samples(generator))),
            },
            file, indent=1,
        )
        file.write("\n")


main()
