"""Reads the demo's JSON object from standard input and checks what it promises."""

import json
import sys

result = json.load(sys.stdin)
outcomes = ["succeeded", "failed", "rejected", "canceled", "timedOut", "queued", "inProgress"]
faults = []
if sum(result[name] for name in outcomes) != result["executions"] or result["executions"] != result["things"]:
    faults.append("the outcomes do not sum to the number of things")
faults += [f"nobody {name}" for name in ("succeeded", "failed", "rejected", "canceled") if result[name] < 1]
if result["wireBytes"] >= 0.5 * result["rawBytes"]:
    faults.append("compression saved less than half")
for fault in faults:
    print(f"demo: {fault}: {result}", file=sys.stderr)
sys.exit(1 if faults else 0)
