"""llama.cpp: speed of the forward pass with the logits of every token, as bench.py runs it.

Prints one JSON object.
"""
import argparse
import json
import random
import statistics
import time

import llama_cpp


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--warmup", type=int, required=True)
    options = parser.parse_args()
    model = llama_cpp.Llama(
        model_path=options.gguf, n_ctx=options.tokens + 8, n_batch=options.tokens, n_ubatch=options.tokens,
        n_threads=options.threads, n_threads_batch=options.threads, logits_all=True, verbose=False,
    )  # fmt: skip
    generator = random.Random(0)
    tokens = [generator.randrange(model.n_vocab()) for _ in range(options.tokens)]
    speeds = []
    for index in range(options.warmup + options.steps):
        model.reset()
        model._ctx.kv_cache_clear()
        start = time.perf_counter()
        model.eval(tokens)
        if index >= options.warmup:
            speeds.append(options.tokens / (time.perf_counter() - start))
    print(json.dumps({
        "system": "llama.cpp",
        "versions": {"llama-cpp-python": llama_cpp.__version__},
        "threads": options.threads,
        "tokens_per_second": statistics.median(speeds),
        "tokens_per_second_min": min(speeds),
        "tokens_per_second_max": max(speeds),
    }))  # fmt: skip


main()
