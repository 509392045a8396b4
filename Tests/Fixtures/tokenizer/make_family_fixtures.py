"""Makes `family-*.json`: small tokenizers of the shapes that the Llama family has.

    python make_family_fixtures.py

Needs the packages tokenizers and transformers, and `strings.json` of `make_fixtures.py`. Each file
holds a `tokenizer` as `tokenizer.json` has it, `texts` beside those of `strings.json`, the `ids` of
both kinds of texts as `tokenizers` gives them without special tokens around them, `around` (what is
put before and behind a text), and `decoded` and `skipped`: what the IDs decode to with and without
special tokens, for those texts that don't come back unchanged. `scores` and `types` are what a GGUF
file of a SentencePiece vocabulary would hold.
"""
import json

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import processors, trainers
from transformers.convert_slow_tokenizer import generate_merges

MARK = "\u2581"
LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"
    r"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SAMPLE = """
A starling sings what it has heard: the whistle of another bird, the creak of a gate, the bell of a telephone.
In the evening thousands of them fly together, and each one watches no more than seven others; there is no leader,
and yet the whole swarm turns at once. The models here learn in the same way: every peer trains on the texts that
it has, tells a few others what it has learned, and takes over what they tell.

def mean(values):
    total = 0.0
    for value in values:
        total += value
    return total / len(values)

It\u2019s said that they don't forget: "I'll be there at 10:45," she'd written, "if the weather's fine; otherwise we're
going by train on the 23rd, and you've got the tickets." The other answered, the others waited, then the weather
turned. The station, the stations, the stationary train; the training and the trainer; he trained them there.
========================================
"""


def byte_level(pattern, size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator([SAMPLE] + strings(), trainer)
    return tokenizer


def changed(tokenizer, **model):
    """The tokenizer with keys of its model replaced."""
    definition = json.loads(tokenizer.to_str())
    definition["model"].update(model)
    return Tokenizer.from_str(json.dumps(definition))


def llama3():
    tokenizer = changed(byte_level(LLAMA, 420), ignore_merges=True)
    # Words that no merge makes are found all the same.
    vocabulary = json.loads(tokenizer.to_str())["model"]["vocab"]
    vocabulary.update({word: len(vocabulary) + i for i, word in enumerate(["hetero", "\u0120zzz", "====="])})
    tokenizer = changed(tokenizer, vocab=vocabulary)
    specials = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    begin = tokenizer.token_to_id(specials[0])
    tokenizer.post_processor = processors.Sequence(
        [
            processors.ByteLevel(trim_offsets=True),
            processors.TemplateProcessing(single=f"{specials[0]} $A", special_tokens=[(specials[0], begin)]),
        ]
    )
    return tokenizer, specials + ["hetero", " zzz", "zzz", "=====", "x=====", "heteros", "<|eot_id|>=====\n"]


def qwen():
    tokenizer = byte_level(LLAMA.replace("{1,3}", ""), 420)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens(
        [
            AddedToken("<think>", normalized=False), AddedToken("<tool_call>", normalized=False),
            AddedToken("\u1112\u1161x", normalized=True), AddedToken("\u212bb", normalized=False),
        ]
    )
    return tokenizer, [
        "<think>\n\n</think>", "<|im_start|>user\nA\u030a<|im_end|>", "\u1112\u1161x", "\ud558x", "y\ud558xy", "\u212bb",
        "\u00c5b", "A\u030ab", "\u1100\u1161\u11a8", "\uac00\u11a8", "q\u0323\u0307 q\u0307\u0323", "\u0958 \u2126 \ufb1d",
        "\u0344\u0308\u0301", "a\u05b0\u094d\u0301\u05b0", "\U0001d15e \u2adc", "\u0300",
    ]


def words(size):
    """A SentencePiece vocabulary: pieces with scores, the best first, single characters last."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    trainer = trainers.BpeTrainer(vocab_size=size, show_progress=False, limit_alphabet=110)
    tokenizer.train_from_iterator([SAMPLE, "    x   y\n" * 9] + [s for s in strings() if s.isascii()] * 2, trainer)
    pieces = sorted(tokenizer.get_vocab(), key=tokenizer.token_to_id)
    long = [piece for piece in pieces if len(piece) > 1]
    long[3:3] = [MARK * 2]
    long[9:9] = [MARK * 4, MARK * 3, MARK * 8]
    return list(dict.fromkeys(long)) + [piece for piece in pieces if len(piece) == 1] + ["\u00e9", "\u4f60", "\u0301"]


def sentencepiece(size, with_bytes=True):
    pieces = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256) if with_bytes]
    first = len(pieces)
    pieces += words(size)
    scores = [0.0] * first + [float(-i) for i in range(len(pieces) - first)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    merges = generate_merges({p: i for p, i in vocabulary.items() if i >= first}, zip(pieces[first:], scores[first:]))
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=with_bytes)
    )
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in pieces[:3]])
    types = [2, 3, 3] + [6] * (first - 3) + [1] * (len(pieces) - first)
    return tokenizer, scores, types


def decoder(strips=True):
    steps = [decoders.Replace(MARK, " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strips else []))


def around(tokenizer, end=False):
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>" if end else "<s> $A", special_tokens=[("<s>", 1), ("</s>", 2)]
    )


def llama2():
    tokenizer, scores, types = sentencepiece(400)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.decoder = decoder()
    around(tokenizer)
    return tokenizer, ["<s>[INST] Hi [/INST]", "a<s>b", " <s> ", "<s><s>", "</s> x", "<unk>", MARK, f"a{MARK} b"], scores, types


def mistral():
    tokenizer, scores, types = sentencepiece(360)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="first", split=False)
    tokenizer.decoder = decoder()
    around(tokenizer, end=True)
    tokenizer.add_special_tokens(["[INST]", "[/INST]"])
    return tokenizer, ["[INST] Hi[/INST] Ho</s>", "<s>x", "x<s>x", " x", "  x", f"{MARK}x", "[INST]"]


def stripping():
    """Added tokens of all kinds behind a normalizer, and unknown characters that are fused."""
    tokenizer, scores, types = sentencepiece(300, with_bytes=False)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(MARK), normalizers.Replace(" ", MARK)])
    tokenizer.decoder = decoder(strips=False)
    tokenizer.add_tokens(
        [
            AddedToken("<left>", lstrip=True, normalized=False), AddedToken("<right>", rstrip=True, normalized=False),
            AddedToken("<both>", lstrip=True, rstrip=True, normalized=False),
            AddedToken("word", single_word=True, normalized=False), AddedToken("<norm>", normalized=True),
            AddedToken("a b", normalized=True), AddedToken("<wide norm>", lstrip=True, rstrip=True, normalized=True),
        ]
    )
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, special=True, normalized=False)])
    pieces = [
        "<left>", "<right>", "<both>", "word", "<norm>", "a b", "<wide norm>", "<mask>", " ", "  ", "\n", "\u3000", "x",
        "\u00e9", "_", "7", "\u0301", "\u200d", "-", "\u6f22\u5b57",
    ]
    texts = [a + b + c for a in pieces for b in pieces[:9] for c in (pieces[8], "x", a)]
    return tokenizer, list(dict.fromkeys(texts))[::4]


def metaspace():
    """Parts at each mark, whole parts not merged, unknown characters one by one."""
    tokenizer, scores, types = sentencepiece(330, with_bytes=False)
    tokenizer = changed(tokenizer, fuse_unk=False, ignore_merges=True, merges=json.loads(tokenizer.to_str())["model"]["merges"][40:])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    tokenizer.decoder = decoders.Metaspace(replacement=MARK, prepend_scheme="always", split=True)
    return tokenizer, ["tokenizer", " tokenizer", "\u05d0\u05d1 \u05d2", "the the  the", "<s>the</s>the"]


def strings():
    with open("strings.json", encoding="utf-8") as file:
        return json.load(file)


def write(name, tokenizer, texts, scores=None, types=None):
    everything = strings() + texts
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in everything]
    fixture = {
        "tokenizer": json.loads(tokenizer.to_str()),
        "texts": texts,
        "ids": ids,
        "around": tokenizer.encode("", add_special_tokens=True).ids,
    }
    for key, skips in (("decoded", False), ("skipped", True)):
        decoded = tokenizer.decode_batch(ids, skip_special_tokens=skips)
        fixture[key] = {str(i): d for i, (t, d) in enumerate(zip(everything, decoded)) if t != d}
    if scores:
        fixture |= {"scores": scores, "types": types}
    with open(f"family-{name}.json", "w", encoding="utf-8") as file:
        json.dump(fixture, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    for shape in (llama3, qwen, llama2, mistral, stripping, metaspace):
        write(shape.__name__, *shape())
