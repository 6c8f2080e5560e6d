"""The whole comparison on small data of our own."""

import csv
import json

import numpy as np
import pytest

from eval import Task
from eval.comparison import ComparisonError, Request, bars, compare, markdown, write
from eval.comparison.bars import against_bars
from eval.comparison.result import Estimate, RowResult
from eval.comparison.scoring import JACKKNIFE, MCNEMAR
from eval.comparison.site_labels import decide
from triage import metrics
from triage.metrics.confusions import SCORES
from triage.slm.calibration import Calibration, ScaleCalibration
from triage.training.calibrate import level_row


def request(data, task=Task.KTAS, **more):
    predictions = {"good": data.answer("good", 0.8), "poor": data.answer("poor", 0.3, probabilities=False)}
    return Request(task=task, data=(data.path,), predictions=predictions, resamples=300, **more)


def rows_by_name(result):
    return {row.name: row for row in result.rows}


def test_scores_are_the_metrics_with_intervals_around_them(ktas_data):
    data = ktas_data()
    result, _ = compare(request(data))
    levels = [
        int(row["predicted"]) for row in csv.DictReader((data.folder / "good.csv").read_text().splitlines())
    ]
    good = rows_by_name(result)["good"]
    for score in SCORES:
        estimate = good.scores[score]
        assert estimate.value == pytest.approx(getattr(metrics, score)(data.truth.tolist(), levels))
        assert estimate.low <= estimate.value <= estimate.high
    expected = metrics.wilson_interval(round(good.scores["accuracy"].value * 150), 150)
    assert (good.scores["accuracy"].low, good.scores["accuracy"].high) == pytest.approx(expected)
    assert good.scores["unreadable"].high == pytest.approx(metrics.wilson_interval(0, 150).high)
    assert good.scores["unreadable"].high > 0.02  # none of 150 is not never


def test_differences_are_against_the_first_row(ktas_data):
    result, _ = compare(request(ktas_data()))
    rows = rows_by_name(result)
    assert result.reference == "good"
    assert not rows["good"].differences
    accuracy = rows["poor"].differences["accuracy"]
    assert accuracy.value == pytest.approx(
        rows["poor"].scores["accuracy"].value - rows["good"].scores["accuracy"].value
    )
    assert accuracy.high < 0
    assert accuracy.test == MCNEMAR
    assert accuracy.p <= accuracy.p_holm < 0.05
    assert rows["poor"].differences["quadratic_weighted_kappa"].test == JACKKNIFE
    assert {"good", "poor", "triage nurse"} == set(rows)


def test_hospitals_are_drawn_and_children_scored_apart(nhamcs_data):
    result, _ = compare(request(nhamcs_data, Task.NHAMCS, outcomes=True))
    assert result.clustered
    assert result.cases == 599
    assert result.units == 60  # a hospital code means another hospital each year
    assert [stratum.name for stratum in result.strata] == ["under 18", "18 and over"]
    assert sum(stratum.cases for stratum in result.strata) == 599
    assert rows_by_name(result)["poor"].differences["accuracy"].test == JACKKNIFE
    assert {item.attribute for item in result.subgroups} == {"age", "sex", "race"}
    assert {item.attribute for item in result.gaps} == {"age", "sex", "race"}


def test_outcomes_are_ranked_against_the_nurse(nhamcs_data):
    result, _ = compare(request(nhamcs_data, Task.NHAMCS, outcomes=True))
    found = {(item.row, item.urgency): item for item in result.rankings}
    assert {item.outcome for item in result.rankings} == {"admission"}  # nobody had a critical outcome
    assert set(found) == {
        ("triage nurse", "level"), ("good", "level"), ("good", "expected level"), ("poor", "level")
    }  # fmt: skip
    nurse = found["triage nurse", "level"]
    assert nurse.against_nurse is None
    assert nurse.auc.low > 0.7
    poor = found["poor", "level"]
    assert poor.against_nurse.value == pytest.approx(poor.auc.value - nurse.auc.value)
    assert poor.against_nurse.high < 0


def test_a_year_can_be_taken_out(nhamcs_data):
    result, _ = compare(request(nhamcs_data, Task.NHAMCS, group_prefix="2020-"))
    assert result.cases == 539
    assert result.units == 30


def test_thresholds_give_rows_by_one_rule(ktas_data):
    result, curves = compare(request(ktas_data(), thresholds=(0.15,)))
    rows = rows_by_name(result)
    assert "good, most likely" not in rows  # it repeats the row's own answers
    assert rows["good, p(1-2) >= 0.15"].scores["recall_high"].value == 1
    assert list(curves) == ["good"]
    assert [item.row for item in result.curves] == ["good"]


def test_runs_of_a_recorded_model_are_averaged(ktas_data, tmp_path):
    data = ktas_data()
    path = tmp_path / "gpt.csv"
    lines = ["case_id,model,run,predicted"]
    lines += [f"{c},m,a,{t}" for c, t in zip(data.case_ids, data.truth, strict=True)]
    lines += [f"{c},m,b,x" for c in data.case_ids]
    path.write_text("\n".join(lines))
    result, _ = compare(request(data, recorded=(path,)))
    mean = rows_by_name(result)["m, mean of 2 runs"]
    assert mean.runs == 2
    assert mean.scores["accuracy"].value == pytest.approx(0.5)
    assert mean.counts["unreadable"] == pytest.approx(75)


def test_labels_of_the_site_help_a_model_that_is_biased(ktas_data):
    data = ktas_data(200)
    rng = np.random.default_rng(3)
    lines = ["case_id,predicted,p1,p2,p3,p4,p5"]
    for case_id, level in zip(data.case_ids, data.truth, strict=True):
        p = np.full(5, 0.08)
        p[level - 1] += 0.6 if rng.random() < 0.8 else 0.1
        p *= np.array([0.05, 0.05, 1, 1, 4])  # it believes that here, too, hardly anybody is urgent
        p /= p.sum()
        lines.append(f"{case_id},{p.argmax() + 1}," + ",".join(f"{value:.6f}" for value in p))
    path = data.folder / "biased.csv"
    path.write_text("\n".join(lines))
    result, _ = compare(
        Request(
            task=Task.KTAS,
            data=(data.path,),
            predictions={"m": path},
            resamples=100,
            site_labels=100,
            draws=5,
        )
    )
    found = {item.score: item for item in result.site_labels}
    assert found["recall_high"].gain.low > 0.1
    assert found["quadratic_weighted_kappa"].gain.value > 0.1
    gain = found["accuracy"].with_labels.value - found["accuracy"].without.value
    assert found["accuracy"].gain.value == pytest.approx(gain)


def test_the_vectorised_decision_is_the_products():
    rng = np.random.default_rng(6)
    probabilities = rng.dirichlet(np.ones(5), 300)
    numbers = ScaleCalibration(
        temperature=1.4, bias=(0.3, -0.2, 0.1, 0.0, -0.4), level_1_threshold=0.4, high_threshold=0.35
    )
    calibration = Calibration("fit", numbers)
    expected = [calibration.decide(calibration.apply(level_row(row))) for row in probabilities]
    assert decide(numbers, probabilities).tolist() == expected


def test_files_hold_the_whole_result_and_no_case(ktas_data, tmp_path):
    data = ktas_data()
    result, curves = compare(request(data, thresholds=(0.25,)))
    written = write(tmp_path / "out" / "deep", result, curves)
    assert [path.name for path in written] == [
        "comparison.md", "comparison.csv", "comparison.json", "curves.csv", "curves.png"
    ]  # fmt: skip
    assert written[-1].read_bytes().startswith(b"\x89PNG")
    content = json.loads(written[2].read_text(), parse_constant=pytest.fail)
    assert content["cases"] == 150
    assert content["data"].keys() == {"data.csv"}
    table = list(csv.DictReader(written[1].read_text().splitlines()))
    assert len(table) == len(result.rows) * len(SCORES)
    text = "".join(path.read_text() for path in written[:-1])
    assert "k-1" not in text
    assert str(tmp_path) not in text
    for title in ("## Scores", "## Differences to good", "## Bars", "## Calibration", "## Subgroups"):
        assert title in markdown(result)


def test_the_same_request_gives_the_same_result(ktas_data):
    asked = request(ktas_data())
    assert compare(asked)[0] == compare(asked)[0]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"outcomes": True}, "no outcome"),
        ({"site_labels": 140}, "leave 50 cases"),
        ({"predictions": {}}, "nothing to compare"),
    ],
)
def test_what_cannot_be_compared_is_said(ktas_data, more, message):
    asked = request(ktas_data())
    with pytest.raises(ComparisonError, match=message):
        compare(Request(**{**vars(asked), **more}))


def row(n=278, over=0.2, **values):
    scores = {score: Estimate(value=0.5) for score in SCORES}
    scores.update({name: Estimate(value=value) for name, value in values.items()})
    scores["over_triage"] = Estimate(value=over)
    return RowResult(name="m", kind="predictions", cases=n, scores=scores, counts={"strict_under_triage": 4})


def reached(item, name):
    return next(bar for bar in against_bars(Task.KTAS, [item], {}) if bar.bar == name).reached


def test_a_bar_is_reached_by_being_above_it():
    name = "o3-mini zero-shot"
    found = reached(row(accuracy=0.634, quadratic_weighted_kappa=0.6474, recall_high=0.8), name)
    assert found == {
        "accuracy": True,
        "quadratic_weighted_kappa": False,  # equal to three decimals
        "recall_high": True,
        "over_triage": None,
        "strict_under_triage_cases": True,
    }
    assert reached(row(over=0.3, recall_high=0.99), name)["recall_high"] is False
    assert set(reached(row(n=100, accuracy=1.0), name).values()) == {None}


def test_every_bar_has_a_source_and_scores_that_exist():
    assert {bar.task for bar in bars()} == {Task.KTAS, Task.NHAMCS, Task.ESI}
    assert all(bar.source and bar.input and bar.scores for bar in bars())
    assert len({(bar.task, bar.name) for bar in bars()}) == len(bars())
