"""Runs scenarios and prints a line for each: faults.py [NUMBER...]"""

import sys
import time
import traceback

from nodes import Failure
from scenarios import SCENARIOS

numbers = [int(word) for word in sys.argv[1:]] or sorted(SCENARIOS)
failed = []
for number in numbers:
    scenario = SCENARIOS[number]
    began = time.monotonic()
    try:
        outcome, verdict = scenario(), "ok"
    except Failure as failure:
        outcome, verdict = str(failure), "FAILED"
    except Exception:
        outcome, verdict = traceback.format_exc(), "FAILED"
    if verdict != "ok":
        failed.append(number)
    name = scenario.__name__.replace("_", " ")
    print(f"{verdict}  {number:2}  {name}: {outcome}  [{time.monotonic() - began:.0f} s]", flush=True)
sys.exit(1 if failed else 0)
