"""The loss curve of a training: its points as JSON, and drawn as an SVG that any browser opens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["save_curve"]

_WIDTH, _HEIGHT, _MARGIN = 640, 360, 48
_LINES = (("loss", "training loss", "#1f77b4"), ("eval_loss", "validation loss", "#d62728"))
_POINT_KEYS = ("step", "epoch", "loss", "learning_rate", "eval_loss", "eval_macro_f1")


def save_curve(history: Sequence[Mapping[str, float]], folder: Path) -> None:
    """Write loss.json, one object a logged step, and loss.svg."""
    points = [{key: row[key] for key in _POINT_KEYS if key in row} for row in history]
    points = [point for point in points if "loss" in point or "eval_loss" in point]
    (folder / "loss.json").write_text(json.dumps(points, indent=1), encoding="utf-8")
    (folder / "loss.svg").write_text(_drawn(points), encoding="utf-8")


def _drawn(points: Sequence[Mapping[str, float]]) -> str:
    last = max((point["step"] for point in points), default=1) or 1
    highest = max((point[key] for point in points for key, _, _ in _LINES if key in point), default=1.0) or 1.0
    inner_width, inner_height = _WIDTH - 2 * _MARGIN, _HEIGHT - 2 * _MARGIN

    def place(step: float, loss: float) -> str:
        return f"{_MARGIN + inner_width * step / last:.1f},{_HEIGHT - _MARGIN - inner_height * loss / highest:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<polyline points="{place(0, highest)} {place(0, 0)} {place(last, 0)}" fill="none" stroke="black"/>',
    ]
    end = 'font-size="12" text-anchor="end"'
    for share in (0.0, 0.5, 1.0):
        height = _HEIGHT - _MARGIN - inner_height * share
        parts.append(f'<text x="{_MARGIN - 6}" y="{height + 4:.1f}" {end}>{highest * share:.2f}</text>')
    parts.append(f'<text x="{_WIDTH - _MARGIN}" y="{_HEIGHT - 28}" {end}>step {last:g}</text>')
    for number, (key, name, colour) in enumerate(_LINES):
        line = " ".join(place(point["step"], point[key]) for point in points if key in point)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{_MARGIN + 170 * number}" y="24" font-size="12" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])
