"""docs/acceptance.md says where each scenario is held: what it names must be there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "acceptance.md").read_text(encoding="utf-8")


def test_every_test_that_the_page_names_is_there():
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", PAGE)
    assert len(named) > 50
    lost = [f"{path}::{name}" for path, name in named if f"def {name}(" not in (ROOT / path).read_text("utf-8")]
    assert lost == []


def test_every_scenario_stands_on_the_page_once_held_or_open():
    codes = [f"N{n:02d}" for n in range(1, 24)] + [f"Q{n:02d}" for n in range(1, 16)]
    codes += [f"P{n:02d}" for n in range(1, 17)] + [f"X{n:02d}" for n in range(1, 6)]
    held, still_open = PAGE.split("## Open")
    in_rows = re.findall(r"^\| ([NQPX]\d\d) \|", held, flags=re.MULTILINE)
    listed = re.findall(r"\b[NQPX]\d\d\b", still_open)
    assert sorted(in_rows + listed) == sorted(codes)
