"""Writes byzfl.json: what the rules and attacks of ByzFL 0.0.11 give on random vectors.

    python make_fixtures.py           writes the file beside this script
    python make_fixtures.py --check   computes it again and compares, to 1e-12

Needs torch, numpy, scipy and byzfl==0.0.11 (see Tests/interop/byzfl.sh). Two parts:

  cases   random vectors and each rule's outcome
  attacks honest vectors, and for each attack, number of liars and rule how far the outcome lies from
          the mean of the honest ones

ByzFL's Krum sums the distances to the n - f - 1 nearest, where Blanchard et al. have n - f - 2; it
is asked for f + 1 here, and its multi-Krum then takes the mean of the n - f - 1 best.
"""

import importlib.util
import json
import pathlib
import sys
import unittest.mock

import numpy

# ByzFL's benchmark imports these; its rules and attacks do not need them.
for name in ["torchvision", "matplotlib", "seaborn"]:
    if importlib.util.find_spec(name) is None:
        sys.modules[name] = unittest.mock.MagicMock()
        sys.modules[f"{name}.pyplot"] = sys.modules[name]

import byzfl  # noqa: E402

RADIUS = 2.0
FILE = pathlib.Path(__file__).parent / "byzfl.json"


def rules(f):
    """Each rule for f liars; a list is applied from left to right."""
    return {
        "mean": [byzfl.Average()],
        "median": [byzfl.Median()],
        "trimmed-mean": [byzfl.TrMean(f)],
        "krum": [byzfl.Krum(f + 1)],
        "multi-krum": [byzfl.MultiKrum(f + 1)],
        "geometric-median": [byzfl.GeometricMedian(nu=0.1, T=8)],
        "centered-clipping": [byzfl.CenteredClipping(L=3, tau=RADIUS)],
        "nnm-trimmed-mean": [byzfl.NNM(f), byzfl.TrMean(f)],
        "nnm-median": [byzfl.NNM(f), byzfl.Median()],
        "nnm-geometric-median": [byzfl.NNM(f), byzfl.GeometricMedian(nu=0.1, T=8)],
        "nnm-krum": [byzfl.NNM(f), byzfl.Krum(f + 1)],
        "nnm-centered-clipping": [byzfl.NNM(f), byzfl.CenteredClipping(L=3, tau=RADIUS)],
    }


def apply(steps, vectors):
    for step in steps:
        vectors = step(vectors)
    return vectors


def rounded(values):
    return [[round(float(v), 4) for v in row] for row in values]


def cases():
    random = numpy.random.default_rng(20220711)
    out = []
    for count, size, f in [(5, 3, 1), (7, 6, 2), (8, 6, 2), (12, 10, 3), (13, 4, 5), (20, 16, 8)]:
        vectors = random.normal(0, 1, (count, size))
        vectors[count - f:] += random.normal(0, 6, size)
        vectors = rounded(vectors)
        results = {
            name: [float(v) for v in apply(steps, numpy.array(vectors))]
            for name, steps in rules(f).items()
        }
        out.append({"f": f, "vectors": vectors, "results": results})
    return out


def attack_vectors(honest, gaussian):
    return {
        "sign-flip": byzfl.SignFlipping()(honest),
        "scale-1000": 1000 * honest.mean(axis=0),
        # The sign is that of Baruch et al.: mean - z x deviation.
        "alie-1.5": byzfl.ALittleIsEnough(tau=-1.5)(honest),
        "alie-10": byzfl.ALittleIsEnough(tau=-10.0)(honest),
        "ipm-0.1": byzfl.InnerProductManipulation(tau=0.1)(honest),
        "ipm-2": byzfl.InnerProductManipulation(tau=2.0)(honest),
        "mimic": byzfl.Mimic(epsilon=0)(honest),
        "gaussian": gaussian,
    }


def attacks():
    count, size = 20, 24
    random = numpy.random.default_rng(19990101)
    direction = random.normal(0, 1, size)
    vectors = rounded(direction + random.normal(0, 0.5, (count, size)))
    gaussian = rounded([random.normal(0, 200, size)])[0]
    table = []
    for f in [1, 4, 8]:
        honest = numpy.array(vectors[:count - f])
        mean = honest.mean(axis=0)
        for attack, lie in attack_vectors(honest, numpy.array(gaussian)).items():
            received = numpy.concatenate([honest, numpy.array([lie] * f)])
            errors = {
                name: float(numpy.linalg.norm(apply(steps, received.copy()) - mean))
                for name, steps in rules(f).items()
            }
            table.append({"attack": attack, "f": f, "errors": errors})
    return {"vectors": vectors, "gaussian": gaussian, "table": table}


def difference(left, right, place=""):
    """The first place at which two documents differ, or nothing."""
    if isinstance(left, dict):
        if left.keys() != right.keys():
            return f"{place}: {sorted(left)} against {sorted(right)}"
        pairs = [(key, left[key], right[key]) for key in left]
    elif isinstance(left, list):
        if len(left) != len(right):
            return f"{place}: {len(left)} against {len(right)}"
        pairs = list(zip(range(len(left)), left, right))
    elif isinstance(left, (int, float)):
        return None if abs(left - right) <= 1e-12 * max(1, abs(left)) else f"{place}: {left}, {right}"
    else:
        return None if left == right else f"{place}: {left}, {right}"
    for key, one, other in pairs:
        found = difference(one, other, f"{place}/{key}")
        if found:
            return found
    return None


def main():
    document = {"byzfl": "0.0.11", "radius": RADIUS, "cases": cases(), "attacks": attacks()}
    if "--check" in sys.argv[1:]:
        found = difference(json.loads(FILE.read_text()), document)
        if found:
            sys.exit(f"byzfl: the file differs at {found}")
        print(f"byzfl: {len(document['cases'])} sets of vectors and "
              f"{len(document['attacks']['table'])} attacks as in the file")
        return
    FILE.write_text(json.dumps(document, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
