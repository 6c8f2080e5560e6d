"""A program: ``triage ui`` as it is served, with recorded answers in the model's place.

    python serve_recorded.py PORT

Settings come from the environment, as for ``triage ui``. Everything but the model's words is the real thing.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "dashboard"))

from patient_parts import answer, recorded_dashboard

from agents import utc_now
from data_schemas import FactKind
from integrations.settings import Settings
from ui.cli.dashboard import options, serve
from ui.dashboard.services import connect, disconnect


class Level3:
    """Says level 3 and cites the complaint and what the guideline says of abdominal pain."""

    async def ask(self, record, screening):
        said = next(fact for fact in record.facts if fact.kind is FactKind.CHIEF_COMPLAINT)
        return answer(3, said.id, "esi.c.abdominal-pain")


def main() -> None:
    settings, port = Settings(), int(sys.argv[1])
    connect(recorded_dashboard(settings, utc_now, Level3()))
    try:
        serve(options(settings, "127.0.0.1", port))
    finally:
        disconnect()


if __name__ == "__main__":
    main()
