"""The encoder comparator: learns from words and vital signs, repeats itself, comes back from disk the same."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data_schemas import AcuityScale, FactKind
from triage.baselines.encoder import SETTINGS_FILE, WEIGHTS_FILE, Encoder, EncoderConfig
from triage.baselines.labels import BaselineError
from triage.baselines.minilm import SentenceEncoder
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase

SMALL = EncoderConfig(strengths=(0.01,), folds=None)


@pytest.fixture(scope="module")
def model(cases: list[LabelledCase], sentences: SentenceEncoder) -> Encoder:
    return Encoder.fit(cases, EncoderConfig(strengths=(1e-6, 0.01)), sentences)


def truth(cases: list[LabelledCase]) -> np.ndarray:
    return np.array([case.acuity for case in cases])


def test_probabilities_are_distributions_and_find_the_level(
    model: Encoder, cases: list[LabelledCase]
) -> None:
    found = model.predict_proba([case.record for case in cases])
    assert found.shape == (len(cases), 5)
    assert np.all(found > 0)
    assert np.allclose(found.sum(axis=1), 1)
    assert np.mean(found.argmax(axis=1) + 1 == truth(cases)) > 0.95
    assert model.predict_proba([]).shape == (0, 5)


def test_cross_validation_takes_the_strength_that_learns(model: Encoder) -> None:
    assert model.strength == 0.01


def test_other_words_for_the_same_are_understood(model: Encoder) -> None:
    """None of these words but "of" is in a training text: boosting on words has nothing to go by."""
    ill = record_from({"age": "61 a", "complaint": "crushing thoracic pressure, diaphoretic"})
    well = record_from({"age": "61 a", "complaint": "ran out of tablets, wants a renewal"})
    high = model.predict_proba([ill, well])[:, :2].sum(axis=1)
    assert high[0] > 2 * high[1]


def test_vital_signs_count(model: Encoder) -> None:
    fast, slow = (record_from({"complaint": "unwell", "hr": rate}) for rate in (120, 64))
    high = model.predict_proba([fast, slow])[:, :2].sum(axis=1)
    assert high[0] > high[1]


def test_only_what_was_known_at_triage_counts(model: Encoder, cases: list[LabelledCase]) -> None:
    """Name, time and identity of the record change nothing; its words and facts do."""
    record = cases[0].record
    renamed = record.model_copy(
        update={"patient": record.patient.model_copy(update={"names": ("Ada Example",)})}
    )
    bare = record.model_copy(
        update={"facts": tuple(f for f in record.facts if f.kind is not FactKind.CHIEF_COMPLAINT)}
    )
    one, same, other = (model.predict_proba([r])[0] for r in (record, renamed, bare))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_equal_input_gives_equal_bits_whatever_stands_beside_it(
    model: Encoder, cases: list[LabelledCase], sentences: SentenceEncoder
) -> None:
    records = [case.record for case in cases[:20]]
    together = model.predict_proba(records)
    assert np.array_equal(together, np.vstack([model.predict_proba([record]) for record in records]))
    again = Encoder.fit(cases, model.config, sentences)
    assert np.array_equal(together, again.predict_proba(records))


def test_a_saved_model_gives_equal_probabilities(
    model: Encoder, cases: list[LabelledCase], tmp_path: Path, sentences: SentenceEncoder
) -> None:
    model.save(tmp_path)
    loaded = Encoder.load(tmp_path, sentences)
    records = [*(case.record for case in cases), record_from({"complaint": "something else"})]
    assert np.array_equal(loaded.predict_proba(records), model.predict_proba(records))
    assert (loaded.strength, loaded.config, loaded.bins) == (model.strength, model.config, model.bins)


def test_no_word_of_a_training_text_is_saved(model: Encoder, tmp_path: Path) -> None:
    model.save(tmp_path)
    saved = (tmp_path / WEIGHTS_FILE).read_bytes() + (tmp_path / SETTINGS_FILE).read_bytes()
    assert not any(word in saved for word in (b"sweating", b"sprain", b"hospital0", b"refill"))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (WEIGHTS_FILE, lambda data: data[:-1] + bytes([data[-1] ^ 1])),
        (SETTINGS_FILE, lambda data: data.replace(b'"age_years",', b"", 1)),
        (SETTINGS_FILE, lambda data: data.replace(b'"strength": 0.01', b'"strength": 0.02')),
        (
            SETTINGS_FILE,
            lambda data: data.replace(b'"sentence_model_sha256": "5', b'"sentence_model_sha256": "6'),
        ),
    ],
)
def test_weights_or_settings_that_are_not_as_saved_are_refused(
    model: Encoder,
    tmp_path: Path,
    sentences: SentenceEncoder,
    name: str,
    damage: Callable[[bytes], bytes],
) -> None:
    model.save(tmp_path)
    saved = (tmp_path / name).read_bytes()
    assert damage(saved) != saved
    (tmp_path / name).write_bytes(damage(saved))
    with pytest.raises(BaselineError, match="are not as saved"):
        Encoder.load(tmp_path, sentences)


def test_a_folder_that_holds_no_model_is_named(model: Encoder, tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match="nowhere: is not a saved encoder"):
        Encoder.load(tmp_path / "nowhere")
    model.save(tmp_path)
    (tmp_path / SETTINGS_FILE).write_text("{}")
    with pytest.raises(BaselineError, match="is not a saved encoder"):
        Encoder.load(tmp_path)


@pytest.mark.parametrize("kept", [(2, 3, 4, 5), (2, 4)])
def test_a_level_that_was_never_seen_gets_almost_nothing(
    cases: list[LabelledCase], sentences: SentenceEncoder, kept: tuple[int, ...]
) -> None:
    some = [case for case in cases if case.acuity in kept]
    model = Encoder.fit(some, SMALL, sentences)
    found = model.predict_proba([case.record for case in some])
    assert np.allclose(found.sum(axis=1), 1)
    assert np.mean(found.argmax(axis=1) + 1 == truth(some)) > 0.95
    never = [level - 1 for level in range(1, 6) if level not in kept]
    assert 0 < found[:, never].max() < 1e-6


def test_cases_that_cannot_be_fitted_are_named(cases: list[LabelledCase], sentences: SentenceEncoder) -> None:
    unlabelled = cases[0].model_copy(update={"acuity": None})
    other_scale = cases[0].model_copy(update={"scale": AcuityScale.KTAS})
    for message, some in (
        ("no case to fit", []),
        ("1 of 2 cases have no level", [cases[1], unlabelled]),
        ("ESI, KTAS", [cases[1], other_scale]),
        ("one level", [cases[0], cases[5]]),
        ("3 folds need as many groups", cases[:10]),
    ):
        with pytest.raises(ValueError, match=message):
            Encoder.fit(some, None, sentences)
