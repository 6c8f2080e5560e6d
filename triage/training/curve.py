"""The learning curve as ``curve.json`` and ``curve.png``."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from triage.training.files import write_safely


def write_curve(curve: Sequence[dict[str, Any]], out: Path) -> None:
    """Both files, of one row per evaluation; held-out sets are the keys whose value has an ``nll``."""
    write_safely(out / "curve.json", lambda path: path.write_text(json.dumps(list(curve), indent=1) + "\n"))
    if curve:
        _draw(curve, out / "curve.png")


def _draw(curve: Sequence[dict[str, Any]], path: Path) -> None:
    steps = [row["step"] for row in curve]
    names = [name for name, value in curve[-1].items() if isinstance(value, dict) and "nll" in value]
    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(steps, [row["loss"] for row in curve], color="grey", label="training loss (all terms)")
    for name in names:
        left.plot(steps, [row[name]["nll"] for row in curve], marker=".", label=f"{name} held out")
        right.plot(steps, [row[name]["kappa"] for row in curve], marker=".", label=name)
    kept = [row["step"] for row in curve if row.get("best")]
    if kept:
        left.axvline(kept[-1], color="black", linestyle=":", label="kept")
    left.set(xlabel="step", ylabel="negative log likelihood of the level, nats")
    right.set(xlabel="step", ylabel="quadratic weighted kappa, most likely level")
    left.legend()
    if names:
        right.legend()
    figure.savefig(path, dpi=120)
