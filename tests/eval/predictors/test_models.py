"""Every model under test answers through the same door, with the real language model."""

import math

import pytest

from agents.nodes.caution import cautious
from data_schemas import AcuityScale, LevelProbabilities
from eval.predictors import InputError, InputTask, ModelName, OptionError, open_predictor
from eval.predictors.asking import Asker
from eval.predictors.hybrid import HybridPredictor, average, smoothed
from eval.predictors.prior import shipped_prior
from triage.esi import screen
from triage.slm import ModelIntegrityError, ModelMissingError


def levels(found):
    return [(item.case_id, item.predicted, item.most_urgent, item.least_urgent) for item in found]


def check(found, cases):
    assert [item.case_id for item in found] == [case.case_id for case in cases]
    for item in found:
        assert item.error is None
        assert item.predicted is not None
        if item.most_urgent is not None:
            assert item.most_urgent <= item.predicted <= item.least_urgent


def predict(model, settings, cases, **options):
    predictor = open_predictor(model, InputTask.KTAS, settings, **options)
    try:
        return predictor.predict(cases), predictor.provenance
    finally:
        predictor.close()


def assert_close(one, other):
    assert levels(one) == levels(other)
    for a, b in zip(one, other, strict=True):
        assert a.probabilities.p == pytest.approx(b.probabilities.p, abs=1e-4)


@pytest.mark.slow
def test_the_base_model_decodes_the_same_level_alone_and_in_a_whole_answer(base, settings, ktas_cases):
    alone = base.predict(ktas_cases)
    check(alone, ktas_cases)
    whole, provenance = predict(ModelName.BASE, settings, ktas_cases, levels_only=False)
    assert_close(alone, whole)
    assert (base.provenance.decoding, provenance.decoding) == ("level", "full")
    assert provenance.identity.adapter is None
    assert provenance.calibration == "uncalibrated"
    assert len({item.probabilities.p for item in alone}) == len(ktas_cases)


def test_the_order_and_company_of_cases_do_not_matter(base, ktas_cases):
    alone = {case.case_id: base.predict([case])[0] for case in ktas_cases}
    turned = base.predict(ktas_cases[::-1])
    assert [item.case_id for item in turned] == [case.case_id for case in ktas_cases[::-1]]
    assert_close(turned, [alone[item.case_id] for item in turned])


@pytest.mark.slow
def test_the_agent_by_its_graph_and_by_its_levels_alone_suggests_the_same(without_adapter, ktas_cases):
    whole, _ = predict(ModelName.AGENT, without_adapter, ktas_cases, levels_only=False)
    alone, provenance = predict(ModelName.AGENT, without_adapter, ktas_cases, levels_only=True)
    check(whole, ktas_cases)
    assert_close(whole, alone)
    assert "rules demand" in provenance.decision


def test_the_agent_is_the_model_under_the_floor_of_the_rules(base, without_adapter, ktas_cases):
    agent, _ = predict(ModelName.AGENT, without_adapter, ktas_cases)
    model = base.predict(ktas_cases)
    floors = [screen(case.record).floor for case in ktas_cases]
    assert any(floors)
    for one, other, floor in zip(agent, model, floors, strict=True):
        assert one.probabilities == other.probabilities
        assert one.predicted == min(other.predicted, floor or 5)


def test_the_agent_leaves_nothing_behind_and_uses_no_configured_records(without_adapter, ktas_cases):
    predict(ModelName.AGENT_PRIOR, without_adapter, ktas_cases, levels_only=False)
    assert not without_adapter.data_dir.exists()


@pytest.mark.parametrize("levels_only", [True, False])
def test_the_agent_with_the_prior_for_a_model_is_the_prior_under_the_floor(levels_only, settings, ktas_cases):
    found, provenance = predict(ModelName.AGENT_PRIOR, settings, ktas_cases, levels_only=levels_only)
    check(found, ktas_cases)
    prior = shipped_prior(AcuityScale.KTAS)
    for item in found:
        assert item.probabilities.p == pytest.approx(prior.p)
    for item, case in zip(found, ktas_cases, strict=True):
        screening = screen(case.record)
        assert item.predicted == min(cautious(4, screening, item.probabilities), screening.floor or 5)
    assert "training prior" in provenance.identity.model


def test_the_agent_goes_on_by_rules_where_its_model_fails_and_says_so(without_adapter, ktas_cases):
    asker = Asker.open(without_adapter, AcuityScale.KTAS)
    from eval.predictors.agent import AgentPredictor

    predictor = AgentPredictor(asker, AcuityScale.KTAS)
    asker.run(asker._engine.close())
    found = predictor.predict(ktas_cases)
    assert all(item.rules_only for item in found)
    assert [item.predicted for item in found] == [screen(case.record).level for case in ktas_cases]
    assert all(item.probabilities is None for item in found)
    predictor.close()


def test_the_model_alone_fails_where_the_engine_does(without_adapter, ktas_cases):
    asker = Asker.open(without_adapter, AcuityScale.KTAS)
    from eval.predictors.slm import SlmPredictor

    predictor = SlmPredictor(asker)
    asker.run(asker._engine.close())
    assert {(item.predicted, item.error) for item in predictor.predict(ktas_cases)} == {(None, "EngineError")}
    predictor.close()


def test_the_rules_have_a_level_a_set_and_no_probabilities(settings, ktas_cases):
    found, _ = predict(ModelName.RULES, settings, ktas_cases)
    check(found, ktas_cases)
    assert [item.predicted for item in found] == [screen(case.record).level for case in ktas_cases]
    assert all(item.probabilities is None for item in found)


@pytest.mark.parametrize(("scale", "level"), [("KTAS", 4), ("NHAMCS", 3), ("ESI", 3)])
def test_the_shipped_prior_is_a_distribution_with_its_source(scale, level):
    prior = shipped_prior(AcuityScale(scale))
    assert prior.probabilities.most_likely == level
    assert f"{prior.cases:,}" in prior.source


def test_there_is_no_prior_for_a_scale_without_training_cases():
    with pytest.raises(ValueError, match="no training prior for MTS"):
        shipped_prior(AcuityScale.MTS)


def test_the_majority_is_the_same_for_everyone(settings, ktas_cases):
    found, provenance = predict(ModelName.MAJORITY, settings, ktas_cases)
    assert {item.predicted for item in found} == {4}
    assert "688" in provenance.details["prior"]


@pytest.fixture
def training(write, rows):
    """Eighty made-up labelled cases of one site: unresponsive is 1, chest pain 2, the rest 4."""
    made = []
    for number in range(80):
        row = rows(InputTask.KTAS)[number % 5]
        level = {"k-3": "1", "k-1": "2"}.get(row["case_id"], "4")
        made.append({**row, "case_id": f"t-{number}", "age_years": str(20 + number % 60), "acuity": level})
    return write(made, "train.csv")


def test_boosting_fits_on_a_file_and_answers(settings, training, ktas_cases):
    found, provenance = predict(
        ModelName.BOOSTING, settings, ktas_cases, train=[training], ids={case.case_id for case in ktas_cases}
    )
    check(found, ktas_cases)
    assert all(item.probabilities is not None for item in found)
    assert "80 cases of train.csv (sha256" in provenance.details["fitted"]


def test_boosting_loads_what_was_saved(settings, training, ktas_cases, tmp_path):
    from triage.baselines import Boosting
    from triage.training.corpus import read_ktas

    cases = [case.model_copy(update={"group": case.case_id}) for case in read_ktas(training)]
    Boosting.fit(cases).save(tmp_path / "saved")
    loaded, provenance = predict(ModelName.BOOSTING, settings, ktas_cases, fitted=tmp_path / "saved")
    fitted, _ = predict(ModelName.BOOSTING, settings, ktas_cases, train=[training])
    assert loaded == fitted
    assert str(tmp_path) not in provenance.details["fitted"]


def test_a_case_to_predict_must_not_be_trained_on(settings, training):
    with pytest.raises(InputError, match="2 of the cases to predict are among the training cases"):
        open_predictor(
            ModelName.BOOSTING, InputTask.KTAS, settings, train=[training], ids={"t-1", "t-7", "x"}
        )


@pytest.mark.parametrize("model", [ModelName.BOOSTING, ModelName.HYBRID])
def test_a_comparator_needs_a_folder_or_training_files_and_not_both(model, settings, training, tmp_path):
    for options in ({}, {"fitted": tmp_path, "train": [training]}):
        with pytest.raises(OptionError, match=r"--fitted FOLDER .* or --train FILE"):
            open_predictor(model, InputTask.KTAS, settings, **options)


def test_a_folder_that_holds_no_model_is_named(settings, tmp_path):
    with pytest.raises(InputError, match="not a saved boosting model"):
        open_predictor(ModelName.BOOSTING, InputTask.KTAS, settings, fitted=tmp_path)


def test_training_files_do_not_go_with_the_rules(settings, training):
    with pytest.raises(OptionError, match="not with rules"):
        open_predictor(ModelName.RULES, InputTask.KTAS, settings, train=[training])


def test_a_training_file_without_levels_is_refused(settings, write, rows):
    bare = [{**row, "acuity": ""} for row in rows(InputTask.KTAS)]
    with pytest.raises(InputError, match="no case of --train has an acuity"):
        open_predictor(ModelName.BOOSTING, InputTask.KTAS, settings, train=[write(bare, "t.csv")])


@pytest.mark.slow
def test_the_hybrid_is_the_average_of_its_three_parts(without_adapter, settings, training, ktas_cases):
    found, provenance = predict(ModelName.HYBRID, without_adapter, ktas_cases, train=[training])
    model, _ = predict(ModelName.BASE, settings, ktas_cases)
    boosted, _ = predict(ModelName.BOOSTING, settings, ktas_cases, train=[training])
    check(found, ktas_cases)
    for item, one, two, case in zip(found, model, boosted, ktas_cases, strict=True):
        parts = [one.probabilities, two.probabilities, smoothed(screen(case.record).level)]
        logs = [sum(math.log(max(part.p[i], 1e-6)) for part in parts) / 3 for i in range(5)]
        total = sum(math.exp(value) for value in logs)
        assert item.probabilities.p == pytest.approx([math.exp(value) / total for value in logs], abs=1e-4)
    assert "mean of the log-probabilities" in provenance.details["mixture"]
    assert HybridPredictor.name == "hybrid"


def test_an_average_by_hand():
    one = LevelProbabilities(p=(0.5, 0.5, 0.0, 0.0, 0.0))
    other = LevelProbabilities(p=(0.125, 0.5, 0.375, 0.0, 0.0))
    found = average([one, other]).p
    assert found[1] / found[0] == pytest.approx(2.0)  # 0.5 : sqrt(0.5 * 0.125)
    assert sum(found) == pytest.approx(1.0)
    assert smoothed(2).p == pytest.approx((0.05, 0.8, 0.05, 0.05, 0.05))


def test_a_calibration_of_another_adapter_is_refused(settings, tmp_path):
    (tmp_path / "calibration.json").write_text(
        '{"name": "other", "adapter_sha256": "00", "scales": {"KTAS": {}}}'
    )
    from integrations.assembly import open_engine
    from triage.slm import Calibration

    without = settings.with_adapter("none")
    calibration = Calibration.load(tmp_path / "calibration.json", AcuityScale.KTAS)
    engine = open_engine(without)
    with pytest.raises(ModelIntegrityError, match="calibrate again"):
        Asker(engine, calibration, without, AcuityScale.KTAS)


def test_without_an_engine_the_model_is_missing(settings):
    none = settings.model_copy(update={"model": settings.model.model_copy(update={"engine": "none"})})
    with pytest.raises(ModelMissingError):
        open_predictor(ModelName.SLM, InputTask.KTAS, none)


def test_the_fine_tuned_model_and_the_agent_around_it(settings, ktas_cases):
    """With the default adapter: calibrated, and the agent is the same model under the floor of the rules."""
    alone, provenance = predict(ModelName.SLM, settings, ktas_cases)
    whole, _ = predict(ModelName.SLM, settings, ktas_cases, levels_only=False)
    agent, _ = predict(ModelName.AGENT, settings, ktas_cases, levels_only=False)
    check(alone, ktas_cases)
    check(agent, ktas_cases)
    assert provenance.identity.adapter is not None
    assert provenance.calibration != "uncalibrated"
    assert_close(alone, whole)
    for item, model, case in zip(agent, alone, ktas_cases, strict=True):
        assert not item.rules_only
        assert item.predicted == min(model.predicted, screen(case.record).floor or 5)
