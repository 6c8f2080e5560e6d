"""How far cited evidence may be read as the cause of a level: measured for an adapter, cautious where it was not.

``triage eval faithfulness`` deletes cited facts and compares what that does to the probability of levels 1 and 2 with
deleting uncited ones of the same class. Its verdict lies beside the adapter that it was measured on.
"""

import json
from pathlib import Path

from data_schemas import ModelIdentity
from data_schemas._base import Frozen
from triage.slm.errors import ModelMissingError
from triage.slm.prompt import PROMPT_VERSION
from triage.slm.shipped import resolve_adapter

FAITHFULNESS_FILE = "faithfulness.json"
SUPPORTING = "supporting, not causal"
CAUSAL = "what the level was measured to depend on"
LEAST_CASES = 100
"""Cases with a pair to compare that a verdict other than the cautious one takes; a lucky handful proves nothing."""


class Faithfulness(Frozen):
    """A measurement: mean absolute change of p(1-2) after deleting a cited and an uncited fact, and their difference.

    ``low`` to ``high`` is the 95 % bootstrap interval of the paired difference over ``cases``.
    """

    adapter_sha256: str | None
    prompt_version: str
    task: str
    data: str
    cases: int
    change_cited: float
    change_uncited: float
    difference: float
    low: float
    high: float

    @property
    def label(self) -> str:
        """``CAUSAL`` only where the whole interval lies above zero, over at least ``LEAST_CASES`` cases."""
        return CAUSAL if self.low > 0 and self.cases >= LEAST_CASES else SUPPORTING

    def save(self, folder: Path) -> Path:
        """Write the measurement beside its adapter, with the verdict in words."""
        path = folder / FAITHFULNESS_FILE
        path.write_text(json.dumps(self.model_dump() | {"verdict": self.label}, indent=2) + "\n", "utf-8")
        return path


def evidence_label(identity: ModelIdentity | None) -> str:
    """What to call the model's evidence: cautious unless this very adapter and prompt were measured to be faithful."""
    if identity is None or identity.adapter is None or identity.prompt_version != PROMPT_VERSION:
        return SUPPORTING
    measured = _measured(identity.adapter)
    if measured is None or measured.adapter_sha256 != identity.adapter_sha256:
        return SUPPORTING
    return measured.label if measured.prompt_version == identity.prompt_version else SUPPORTING


def _measured(adapter: str) -> Faithfulness | None:
    """The measurement of a shipped adapter; None where there is none, or none that can be read."""
    try:
        folder = resolve_adapter(adapter)
        if folder is None:
            return None
        data = json.loads((folder / FAITHFULNESS_FILE).read_text("utf-8"))
        if isinstance(data, dict):
            data.pop("verdict", None)
        return Faithfulness.model_validate(data)
    except (ModelMissingError, OSError, ValueError):
        return None
