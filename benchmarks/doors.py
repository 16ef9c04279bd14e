"""Seconds that a person waits at each door of a published run: `python benchmarks/doors.py RUNS [--rounds 5]`.

Each round is a fresh process. Prints one JSON line: medians over the rounds. `import_numpy_polars` is the anchor: what
any Python program on this data has to pay before it starts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

PROBES = {
    "import_numpy_polars": "import numpy, polars",
    "import_recsys": "import recsys",
    "import_recsys_and_open": "from recsys import Recommender; Recommender.open(RUNS)",
}
KEYS = (("item_id", "items"), ("user_id", "recommendations"))
FIRST = """
from warehouse import Published
print(Published.open(RUNS).query("from {table}")["{column}"].min())
"""
CALLS = """
from recsys import Recommender
from time import perf_counter
shop = Recommender.open(RUNS)
query, user = shop_item, shop_user
times = {}
for name, call in {
    "similar_items": lambda: shop.similar_items(query, k=5),
    "recommend": lambda: shop.recommend(user, k=10),
    "search": lambda: shop.search("waterproof boots", k=5),
}.items():
    for turn in ("first", "second"):
        start = perf_counter()
        call()
        times[f"{name}_{turn}"] = perf_counter() - start
import json
print(json.dumps(times))
"""


def run(code: str) -> str:
    """Return what a fresh interpreter prints when it runs `code`."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def seconds(code: str) -> float:
    """Return the seconds that `code` takes in a fresh interpreter, less the interpreter's own start."""
    return float(run(f"from time import perf_counter; _start = perf_counter()\n{code}\nprint(perf_counter() - _start)"))


def main() -> None:
    """Time the doors and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    known = f"RUNS = {str(arguments.runs)!r}\n"
    query, user = (run(known + FIRST.format(column=column, table=table)) for column, table in KEYS)
    rounds: list[dict[str, float]] = []
    for _ in range(arguments.rounds):
        figures = {name: seconds(known + code) for name, code in PROBES.items()}
        calls = json.loads(run(known + f"shop_item, shop_user = {query!r}, {user!r}\n" + CALLS))
        rounds.append(figures | calls)
    print(json.dumps({name: round(statistics.median(row[name] for row in rounds), 4) for name in rounds[0]}))


if __name__ == "__main__":
    main()
