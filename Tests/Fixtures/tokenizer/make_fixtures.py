"""Makes the tokenizer fixtures of this folder.

    python make_fixtures.py [SmolLM2-135M-Instruct.Q4_1.gguf]

Needs the packages tokenizers, transformers and, for the model's own fixture, gguf.
`trained-tokenizer.json` is a byte-level BPE of 700 tokens trained on the text below; the
`*-ids.json` hold the strings' IDs as `tokenizers` gives them, in the order of `strings.json`;
`chat.json` holds conversations as `transformers` renders them.
"""
import json
import random
import sys

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

LLAMA = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?"
    r"[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
SMOLLM_CHAT = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' "
    "}}{% endif %}"
)
PLAIN_CHAT = """{% if not add_generation_prompt is defined %}
    {% set add_generation_prompt = false %}
{% endif %}
{% for message in messages %}
    {{- "<|im_start|>" ~ message.role + "\\n" }}
    {{- message.content + "<|im_end|>\\n" -}}
{% endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""


def strings():
    """200 strings: what is written in many scripts, and what breaks careless splitters."""
    fixed = [
        "", " ", "  ", "\n", "\r\n", "\t", "\n\n\n", " \n ", "a", " a", "a ", "  a", "a  b", "a\n b",
        "The capital of France is", "To be, or not to be, that is the question:", "Hello, world!",
        "I'm you're we've he'll she'd it's don't", "I'M YOU'RE WE'VE HE'LL SHE'D IT'S DON'T",
        "'s't're've'm'll'd", "' s", "''s", "!'s", "x'", "'", "it\u2019s", "'\u017fa", "'S'T",
        "0", "12345", " 12345", "3.14159", "1,000,000", "v2.0.1-rc3", "x1y2z3", "1 2  3   4", "1\n2",
        "\u00bd \u00b2 \u2167 \u0663\u0664 \uff11\uff12 \u09e6\u09e7 \U0001d7ce \u2460 \u3007 \u4e00",
        "a\u00bdb", " \u00bd", "12\u00bd34",
        "caf\u00e9", "cafe\u0301", "e\u0301\u0301\u0301", "\u00c5 \u212b A\u030a", "\ufb01n", "\u1e9e\u00df",
        "Gr\u00fc\u00dfe aus K\u00f6ln", "\u010ce\u0161tina je hezk\u00e1", "\u0141\u00f3d\u017a",
        "\u0416\u0438\u043b-\u0431\u044b\u043b", "\u0395\u03bb\u03bb\u03b7\u03bd\u03b9\u03ba\u03ac",
        "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627 \u0628\u0643", "\u0928\u092e\u0938\u094d\u0924\u0947",
        "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", "\u4f60\u597d\uff0c\u4e16\u754c", "\u3053\u3093\u306b\u3061\u306f", "\ud55c\uad6d\uc5b4",
        "\u1112\u1161\u11ab", "\u0d2e\u0d32\u0d2f\u0d3e\u0d33\u0d02", "\u1780\u17d2\u1798\u17c2\u179a", "\u10e5\u10d0\u10e0\u10d7",
        "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", "\U0001f1e9\U0001f1ea\U0001f1eb\U0001f1f7",
        "\U0001f44d\U0001f3fd!", "\u2764\ufe0f", "ok\U0001f600ok", " \U0001f600", "\U00020000\U00020001", "\U00010400\U00010428",
        "a\u00a0b", "\u00a0\u00a0", "a\u2003b", "a\u3000b", "a\u200bb", "a\u2028b\u2029c", "\u0085x", "a\u1680b", "\u180e", "\ufeffx",
        "a\u0000b", "\u0001\u001f\u007f", "\u0080\u009f", "\ud7ff\ue000\ufffd\uffff", "\U0010ffff", "\u00ad\u2060",
        "\x1c\x1d\x1e\x1f", "a\x0bb\x0cc", "\u202eabc\u202c",
        "foo_bar fooBar FOO-BAR", "a.b(c, d)[0] -> {e: f};", "if (x <= y && !z) { return; }", "    indented\n\tand tabbed\n",
        "https://example.org/a?b=c&d=%20#e", "me@example.org", "C:\\dir\\file.txt", "#!/bin/sh\necho \"$HOME\"\n",
        "....", "!!!???", "---\n---", "===\n\n", "...\r\n", " ...", "a...b", "\u2026\u2014\u2013\u201c\u201d", "$5 \u20ac6 \u00a37 \u00a58",
        "<|im_start|>", "<|im_end|>", "<|im_start|>user\nHi<|im_end|>\n", "<|im_start", "<<|im_end|>>", "a <|im_end|> b",
        "<|endoftext|><|endoftext|>", "<|im_end|>1", "1<|im_end|>", " <|im_end|>", "<|IM_END|>",
        "a" * 40, "ab" * 60, " " * 33, "\n" * 17, "=" * 50, "the" * 40, "\u00e9" * 30, "1" * 20, "aaaaab" * 12, " a" * 30,
        "\u4f60" * 25, "x" + " " * 20 + "y", "\t\t\tx", " \t \t x", "\n \n x", "x \n", "x\n ", "\r\r\n\n", " \r\n1", "a\r\nb",
    ]
    alphabet = "abcxyz  '\"\n\t\r019.,!-\u00e9\u00df\u0301\u4f60\U0001f600\u00bd\u00a0\u2003\u0416\u05d0\u0924\u094d"
    generator = random.Random(7)
    while len(fixed) < 200:
        count = generator.randint(2, 14)
        fixed.append("".join(generator.choice(alphabet) for _ in range(count)))
    assert len(set(fixed)) == len(fixed) == 200, (len(fixed), len(set(fixed)))
    return fixed


def write(name, value, indent=None):
    with open(name, "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, indent=indent, separators=(",", ":"))
        file.write("\n")


def bare(pre_tokenizer, vocabulary=None, merges=None):
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def smollm():
    return pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def trained(texts):
    tokenizer = bare(smollm())
    sample = open(__file__, encoding="utf-8").read()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        # Some bytes stay without a token, as in SmolLM2's own vocabulary.
        initial_alphabet=[c for c in pre_tokenizers.ByteLevel.alphabet() if ord(c) not in (0xF1, 0xF5, 0xFE)],
        show_progress=False,
    )
    tokenizer.train_from_iterator([sample] + texts * 2, trainer)
    tokenizer.add_tokens([AddedToken("fooBar", normalized=False)])
    return tokenizer


def ids(tokenizer, texts):
    return [tokenizer.encode(text, add_special_tokens=False).ids for text in texts]


def other_cuts(tokenizer, texts):
    """The same vocabulary behind the other pre-tokenizers."""
    definition = json.loads(tokenizer.to_str())
    result = {}
    for name, first in (
        ("gpt-2", None),
        ("llama-bpe", LLAMA),
        ("qwen2", LLAMA.replace("{1,3}", "")),
    ):
        if first is None:
            pre = pre_tokenizers.ByteLevel(add_prefix_space=False)
        else:
            pre = pre_tokenizers.Sequence(
                [
                    pre_tokenizers.Split(Regex(first), "isolated"),
                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
                ]
            )
        other = Tokenizer.from_str(json.dumps(definition))
        other.pre_tokenizer = pre
        encoded = ids(other, texts)
        same = ids(tokenizer, texts)
        # Only what differs from the fixture's own cut is worth its bytes.
        result[name] = {str(i): e for i, e in enumerate(encoded) if e != same[i]}
    return result


def chat():
    from transformers.utils.chat_template_utils import render_jinja_template

    def message(role, content):
        return {"role": role, "content": content}

    conversations = [
        [message("user", "Hi")],
        [message("system", "Be brief."), message("user", "Hi"), message("assistant", "Hello.")],
        [message("user", "a\nb "), message("assistant", ""), message("user", " c"), message("assistant", "d")],
    ]
    cases = []
    for name, template in (("smollm2", SMOLLM_CHAT), ("plain", PLAIN_CHAT)):
        for messages in conversations:
            for adds in (False, True):
                rendered, _ = render_jinja_template(
                    conversations=[messages], chat_template=template, add_generation_prompt=adds
                )
                cases.append({"template": name, "messages": messages, "adds": adds, "text": rendered[0]})
    return {"templates": {"smollm2": SMOLLM_CHAT, "plain": PLAIN_CHAT}, "cases": cases}


def from_gguf(path):
    import gguf

    reader = gguf.GGUFReader(path)
    field = {key: value.contents() for key, value in reader.fields.items() if key.startswith("tokenizer.")}
    vocabulary = {token: i for i, token in enumerate(field["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in field["tokenizer.ggml.merges"]]
    tokenizer = bare(smollm(), vocabulary, merges)
    types = field["tokenizer.ggml.token_type"]
    tokenizer.add_special_tokens([t for t, i in vocabulary.items() if types[i] == 3])
    assert field["tokenizer.chat_template"] == SMOLLM_CHAT
    return tokenizer


def main():
    texts = strings()
    write("strings.json", texts)
    tokenizer = trained(texts)
    with open("trained-tokenizer.json", "w", encoding="utf-8") as file:
        file.write(tokenizer.to_str(pretty=False) + "\n")
    write("trained-ids.json", {"smollm": ids(tokenizer, texts), **other_cuts(tokenizer, texts)})
    write("chat.json", chat())
    if len(sys.argv) > 1:
        model = from_gguf(sys.argv[1])
        encoded = ids(model, texts)
        write("smollm2-ids.json", encoded)
        lost = [t for t, e in zip(texts, encoded) if model.decode(e, skip_special_tokens=False) != t]
        print("strings that lose bytes:", lost)
    print("tokenizers", tokenizers.__version__)


main()
