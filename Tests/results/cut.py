"""Cuts a data set into the texts of nodes: cut.py chitchat WHEEL FOLDER | cut.py fortunes ROOT FOLDER

Each node gets NAME.train.txt and NAME.heldout.txt, the last tenth of what it has."""
import collections
import json
import pathlib
import random
import re
import sys
import zipfile

NODE_COUNT = 16
HELD_OUT_SHARE = 0.1
# The greatest files of each language by bytes, but those of several megabytes: topics in English,
# kinds of text in German, and two nodes each whose script the model hardly knows.
FORTUNES = [
    "computers", "songs-poems", "definitions", "people", "science", "politics", "men-women", "art",
    "de/witze", "de/unfug", "de/infodrom", "de/linuxtag", "ru/love", "ru/polit", "tang300",
    "song100",
]


def write(folder, name, pieces, separator):
    """Splits pieces in their order."""
    cut = len(pieces) - max(1, round(HELD_OUT_SHARE * len(pieces)))
    for part, chosen in (("train", pieces[:cut]), ("heldout", pieces[cut:])):
        text = separator.join(chosen) + "\n"
        (folder / f"{name}.{part}.txt").write_text(text, encoding="utf-8")


def chitchat(wheel, folder):
    """The speakers with the most utterances; what a speaker said, in the order of time."""
    with zipfile.ZipFile(wheel) as archive:
        conversations = json.loads(archive.read("chitchat_dataset/dataset.json"))
    spoken = collections.defaultdict(list)
    for key in sorted(conversations):
        for turn in conversations[key]["messages"]:
            for utterance in turn:
                text = " ".join(utterance["text"].split())
                if text:
                    spoken[utterance["sender"]].append((utterance["timestamp"], text))
    speakers = sorted(spoken, key=lambda speaker: (-len(spoken[speaker]), speaker))
    for place, speaker in enumerate(speakers[:NODE_COUNT]):
        utterances = sorted(spoken[speaker], key=lambda item: item[0])
        write(folder, f"{place:02}-{speaker[:8]}", [text for _, text in utterances], "\n")


def fortunes(root, folder):
    """One file each; its pieces in an order drawn once, for neighbours are alike."""
    for place, name in enumerate(FORTUNES):
        text = (pathlib.Path(root) / name).read_text(encoding="utf-8", errors="replace")
        # The Chinese files colour their headings.
        text = re.sub(r"\x1b\[[0-9;]*m", "", text)
        pieces = [piece.strip("\n") for piece in text.split("\n%\n")]
        pieces = [piece for piece in pieces if piece.strip()]
        random.Random(f"fortunes/{name}").shuffle(pieces)
        write(folder, f"{place:02}-{name.replace('/', '-')}", pieces, "\n\n")


kind, source, target = sys.argv[1:]
target = pathlib.Path(target)
target.mkdir(parents=True)
{"chitchat": chitchat, "fortunes": fortunes}[kind](source, target)
