"""Answers commands: one JSON document a line on standard input, one on standard output."""

import json
import math
import os
import sys
import traceback


def serve(commands):
    """Calls `commands[do](**rest)` for each `{"do": …, **rest}` and answers `{"result": …}` or `{"error": …}`."""
    # What libraries print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": exact(commands[request.pop("do")](**request))}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


def exact(value):
    """What JSON readers elsewhere would round or refuse, in words: `{"$number": "NaN"}`, `{"$integer": "…"}`."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [exact(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, int) and abs(value) >= 2**53:
        return {"$integer": str(value)}
    return value
