"""Published figures: shipped ones are whole and say where they come from; broken files are named."""

import pytest
import yaml

from eval.published import PublishedError, published, read_published

SOURCES = {"a": {"citation": "Somebody. Something. 2024", "year": 2024}}
RESULT = {
    "id": "one",
    "model": "m",
    "kind": "nurse",
    "task": "t",
    "data": "d",
    "population": "p",
    "scale": "ESI",
    "reference": "r",
    "scores": {"accuracy": 0.5},
    "input_differs": "Other patients altogether.",
    "source": "a",
    "verified": False,
}


def by_id():
    return {item.id: item for item in published()}


def written(tmp_path, *results, sources=SOURCES):
    path = tmp_path / "p.yaml"
    path.write_text(yaml.safe_dump({"sources": sources, "results": list(results)}))
    return path


def test_every_shipped_result_has_source_scores_and_how_its_input_differs():
    found = published()
    assert len(found) >= 30
    assert all(item.source.doi or item.source.arxiv or item.source.url or item.source.year for item in found)
    assert published() is found


@pytest.mark.parametrize(
    ("name", "n", "scores", "of_source"),
    [
        ("sax-nurses", 5_315_176, {}, {"undertriage": 0.033, "overtriage": 0.289, "mistriage": 0.322}),
        ("mistry-nurses", 87, {"accuracy": 0.592}, {"accuracy on paediatric scenarios": 0.469}),
        (
            "aljohani-qwen2.5-7b",
            None,
            {
                "under_triage": 0.1335,
                "over_triage": 0.125,
                "significant_under_triage": 0.0625,
                "significant_over_triage": 0.0256,
            },
            {"discordance": 0.2585, "seconds an encounter": 0.16},
        ),
        ("lee-qwen3-8b", 14_832, {"accuracy": 0.586, "quadratic_weighted_kappa": 0.535}, {}),
        ("lee-xgboost", 14_832, {"accuracy": 0.694, "quadratic_weighted_kappa": 0.651}, {}),
        ("belski-biomedbert-engine", 50, {"accuracy": 0.889}, {}),
        ("kate", None, {"accuracy": 0.759}, {}),
        ("kate-nurses", None, {"accuracy": 0.598}, {}),
        ("ahepa-deepseek", 39_375, {"quadratic_weighted_kappa": 0.467}, {}),
        ("ahepa-gpt-5-instant", 39_375, {"quadratic_weighted_kappa": 0.176}, {}),
        ("semigran-o3-2025-07", 225, {}, {"accuracy of three classes": 0.756}),
    ],
)
def test_the_named_results_are_there(name, n, scores, of_source):
    item = by_id()[name]
    assert item.n == n
    assert scores.items() <= dict(item.scores).items()
    assert of_source.items() <= dict(item.source_scores).items()


def test_directions_add_up_where_all_are_given():
    for item in published():
        if {"accuracy", "under_triage", "over_triage"} <= item.scores.keys():
            total = sum(item.scores[name] for name in ("accuracy", "under_triage", "over_triage"))
            assert total == pytest.approx(1, abs=0.002)


def test_three_classes_are_never_scores_of_five_levels():
    of_three = [item for item in published() if "self-care" in item.scale]
    assert len(of_three) == 15
    assert not any(item.scores for item in of_three)


def test_what_only_notes_say_is_marked():
    assert not by_id()["aljohani-qwen2.5-7b"].verified
    assert by_id()["lee-qwen3-8b"].verified_by == "the abstract"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": {"precision": 0.5}}, "no score is called precision"),
        ({"source_scores": {"macro_f1": 0.5}}, "macro_f1 is a score of ours"),
        ({"scores": {}}, "without any score"),
        ({"scores": {"accuracy": 59.2}}, "accuracy 59.2 is not between"),
        ({"intervals": {"accuracy": [0.6, 0.7]}}, "interval of accuracy does not hold"),
        ({"intervals": {"macro_f1": [0.6, 0.7]}}, "interval of macro_f1 does not hold"),
        ({"verified": True}, "verified_by"),
        ({"n": 0}, "n Input should be greater"),
        ({"kind": "magic"}, "kind Input should be"),
        ({"input_differs": ""}, "input_differs"),
        ({"source": "b"}, "its source is not among the sources"),
    ],
)
def test_a_broken_entry_is_named(tmp_path, change, message):
    with pytest.raises(PublishedError, match=message) as error:
        read_published(written(tmp_path, {**RESULT, **change}))
    assert "one" in str(error.value)


def test_a_broken_file_is_named(tmp_path):
    assert read_published(written(tmp_path, RESULT))[0].source.citation.startswith("Somebody")
    with pytest.raises(PublishedError, match="one is there twice"):
        read_published(written(tmp_path, RESULT, RESULT))
    with pytest.raises(PublishedError, match=r"source\.doi"):
        read_published(written(tmp_path, RESULT, sources={"a": {**SOURCES["a"], "doi": "nonsense"}}))
    path = tmp_path / "x.yaml"
    path.write_text("results: []\n")
    with pytest.raises(PublishedError, match="needs sources and results"):
        read_published(path)
