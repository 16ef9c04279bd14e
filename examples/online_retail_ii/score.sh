#!/usr/bin/env bash
# Run and score cold nights on Online Retail II: score.sh 2011-09-16 2011-10-14 2011-11-11
# One JSON line for each cutoff with bought_before hide and keep, then one with the means and the bars.
# Paths: SHARED (data and the scorer), RAW (the raw files), WORK (what is made here), PYTHON.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
SHARED=${SHARED:-$root/../shared}
RAW=${RAW:-$SHARED/data/online_retail_ii}
WORK=${WORK:-$root/build/online_retail_ii}
PYTHON=${PYTHON:-$root/.venv/bin/python}
if [[ $# -eq 0 ]]; then
    echo "usage: score.sh CUTOFF… (YYYY-MM-DD; the bars are stated for 2011-09-16 2011-10-14 2011-11-11)" >&2
    exit 2
fi

mkdir -p "$WORK"
"$PYTHON" "$here/prepare.py" "$RAW" "$WORK/input" >&2
lines=$WORK/nights.jsonl
: > "$lines"
for cutoff in "$@"; do
    for mode in hide keep; do
        runs=$WORK/runs/$cutoff-$mode
        rm -rf "$runs" # cold: no cached text or table, and no earlier run to be compared with
        "$PYTHON" "$here/night.py" run --input "$WORK/input" --runs "$runs" --cutoff "$cutoff" --bought-before "$mode" \
            --scorer "$SHARED/score_shop.py" --truth "$RAW/truth.parquet" | tee -a "$lines"
    done
done
"$PYTHON" "$here/night.py" sum "$lines"
