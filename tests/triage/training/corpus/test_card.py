"""The figures of a corpus, counted right; and the data cards that describe each."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from data_schemas import AcuityScale, FactKind, QualityIssue
from triage.training.corpus import LabelledCase, read_authored, read_authored_ktas, read_ktas, read_nhamcs
from triage.training.corpus.card import FEWEST, corpus_card, path_sha256

Row = dict[str, object]
Write = Callable[[list[Row], str], Path]
CARDS = Path(__file__).parents[4] / "triage" / "training" / "corpus" / "cards"
SECTIONS = (
    "- **Source**",
    "- **Terms**",
    "- **n",
    "**Label and scale**",
    "## Used",
    "## Never used",
    "## Known problems",
)


def test_counts(write: Write, ktas_row: Row) -> None:
    changes = [{"acuity": level, "nurse_acuity": 3} for level in (1, 2, 2, 3, 5, 5)]
    rows = [{**ktas_row, **change, "case_id": f"k-{n}"} for n, change in enumerate(changes)]
    rows[0]["pulse"] = rows[1]["pulse"] = rows[2]["pulse"] = ""
    path = write(rows, "k.csv")
    card = corpus_card("ktas", read_ktas(path), path)
    assert (card.cases, card.groups, card.scales) == (6, 1, (AcuityScale.KTAS,))
    assert card.levels == (1, 2, 1, 0, 2)
    assert card.missing[FactKind.HEART_RATE] == 0.5
    assert card.missing[FactKind.TEMPERATURE] == 0.0
    assert card.nurse_agrees == pytest.approx(1 / 6, abs=1e-4)
    assert card.file_sha256 == path_sha256(path)


def test_outcomes_count_what_is_known_and_what_happened(write: Write, nhamcs_row: Row) -> None:
    rows = [{**nhamcs_row, "post_ADMITHOS": float(n < 6), "case_id": f"n-{n}"} for n in range(20)]
    card = corpus_card("nhamcs", read_nhamcs(write(rows, "n.jsonl")))
    assert card.outcomes == {"admission": (6, 20)}
    assert card.file_sha256 is None


@pytest.mark.parametrize("few", [FEWEST - 1, FEWEST])
def test_what_few_have_is_not_told(write: Write, nhamcs_row: Row, few: int) -> None:
    rows: list[Row] = []
    for n in range(12):
        rare = {"post_ADMITHOS": 1.0, "pulse": 998.0} if n < few else {"post_ADMITHOS": 0.0}
        rows.append({**nhamcs_row, **rare, "case_id": f"n-{n}"})
    card = corpus_card("nhamcs", read_nhamcs(write(rows, "n.jsonl")))
    told = few >= FEWEST
    assert ("admission" in card.outcomes) is told
    assert (QualityIssue.IMPOSSIBLE in card.findings) is told


def test_an_empty_corpus_has_a_card() -> None:
    assert corpus_card("nothing", []).levels == (0, 0, 0, 0, 0)


def test_the_hash_of_a_folder_knows_names_and_contents(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.json").write_text("one")
    first = path_sha256(tmp_path)
    (tmp_path / "a" / "1.json").rename(tmp_path / "a" / "2.json")
    second = path_sha256(tmp_path)
    (tmp_path / "a" / "2.json").write_text("two")
    assert len({first, second, path_sha256(tmp_path)}) == 3


@pytest.mark.parametrize(
    "name", ["nhamcs", "ktas", "esi_vignettes", "mimic", "fhir_export", "authored", "authored_ktas"]
)
def test_every_data_card_says_what_must_be_known(name: str) -> None:
    text = (CARDS / f"{name}.md").read_text()
    assert not [section for section in SECTIONS if section not in text]


@pytest.mark.parametrize(
    ("name", "read"), [("authored", read_authored), ("authored_ktas", read_authored_ktas)]
)
def test_the_card_of_our_own_cases_has_the_true_numbers(
    name: str, read: Callable[[], Iterator[LabelledCase]]
) -> None:
    text = (CARDS / f"{name}.md").read_text()
    card = corpus_card(name, read())
    assert f"- **n**: {card.cases} in" in text
    said = re.search(r"\*\*Level mix, 1 to 5\*\*: ([\d, ]+)\.", text)
    assert said is not None
    assert tuple(map(int, said[1].split(", "))) == card.levels
    assert card.groups == card.cases
