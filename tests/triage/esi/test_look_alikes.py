"""Words that look like a red flag and are none, each beside the true case that must still fire."""

import pytest

from data_schemas import RuleTier
from triage.esi import screen
from triage.guidelines import record_from
from triage.training.corpus import read_authored


def findings(note: str, **more: object) -> dict[str, RuleTier]:
    record = record_from({"age": "40 a", "sex": "female", **more, "note": note})
    return {finding.statement.id: finding.tier for finding in screen(record).findings}


LOOK_ALIKES = [
    # rule, a note that must not fire it, a note that must, and what is known besides
    ("esi.b.late-pregnancy", "Heavy bleeding. Pregnancy test negative.", "Pregnant, heavy bleeding, soaked pads.", {}),
    ("esi.b.late-pregnancy", "negative pregnancy test, passing clots", "pregnancy test positive, passing clots", {}),
    ("esi.b.high-energy", "Fell off a ladder, second rung, wrist sore.", "Fell off a ladder, wrist sore.", {}),
    ("esi.b.high-energy", "Fell from the bottom step of the ladder.", "Fell from the top of the ladder.", {}),
    ("esi.b.high-energy", "Fell from standing height.", "Fall from height.", {}),
    ("esi.b.high-energy", "Fell from a chair onto the floor.", "Fell from the third floor.", {}),
    ("esi.b.limb", "Second toe blue and swollen after a knock.", "Toes blue and the foot is cold.", {}),
    ("esi.b.limb", "Little finger swollen and blue, caught in a drawer.", "Fingers pale, no pulse in the hand.", {}),
    ("esi.b.limb", "Big toe blue and swollen after a stone fell on it.", "Big toe blue and swollen and cold.", {}),
    ("esi.b.dyspnoea", "She sobs and holds her mother's hand.", "sob since noon", {}),
    ("esi.c.seizure", "Hoarse after a coughing fit.", "Had a fit at work.", {}),
    ("esi.c.seizure", "Previously fit and well, sore throat.", "Previously fit, had two fits today.", {}),
    ("esi.a.arrest", "Foot cold, no pulse felt at the ankle.", "Found on the floor, no pulse.", {}),
    ("esi.a.arrest", "Had a cardiac arrest in 2019, wants a refill.", "Cardiac arrest at home.", {}),
    ("esi.a.apnoea", "Jaw stuck open, no breathing trouble.", "No breathing, grey.", {}),
    ("esi.a.airway-support", "Asthma, intubated once at age 9.", "Intubated once on scene.", {}),
    ("esi.b.stroke", "Had a stroke in 2015, cut thumb today.", "Had a stroke in 2015 and again today.", {}),
    ("esi.b.overdose", "Overdose in 2012, cut thumb today.", "Overdose in the night.", {}),
    ("esi.b.overdose", "Food poisoning after a picnic.", "Poisoning with berries.", {}),
    ("esi.b.surgical-abdomen", "Forceful non-bilious vomiting.", "Bilious vomiting.", {"age": "5 wk"}),
    ("esi5.a.anaphylaxis", "Anaphylaxis to peanuts as a teenager, mosquito bite.", "Anaphylaxis to peanuts.", {}),
    ("esi5.a.flaccid-infant", "Cries, limp and white between the cramps.", "Limp and white.", {"age": "5 mo"}),
    ("esi.c.extremity", "L lower abd pain for two days.", "Lower leg pain after a kick.", {}),
    ("esi.c.joint", "Crampy ache in the belly.", "Aches all over, joints worst.", {}),
    ("esi5.a.flaccid-infant", "Limps since a fall.", "Limp since a fall.", {"age": "2 a"}),
    ("esi.b.drowning", "Mother has read about dry drowning.", "Near drowning in the pool.", {}),
    ("esi5.b.chemo-fever", "Chemotherapy ended six years ago, fever.", "Chemotherapy ended six days ago, fever.", {}),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "look_alike", "true_case", "known"), LOOK_ALIKES)
def test_a_look_alike_does_not_fire_and_the_true_case_does(
    rule: str, look_alike: str, true_case: str, known: dict[str, object]
) -> None:
    assert rule not in findings(look_alike, **known)
    assert rule in findings(true_case, **known)


@pytest.mark.parametrize(
    ("note", "rule"),
    [
        ("Chest pain just like his heart attack in 2018.", "esi.b.chest-pain-adult"),
        ("Chest pain like the one 3 years ago.", "esi.b.chest-pain-adult"),
        ("Chest pain and a stroke in 2015.", "esi.b.chest-pain-adult"),
    ],
)
def test_the_year_of_something_else_makes_no_history_of_a_finding(note: str, rule: str) -> None:
    assert rule in findings(note)


def test_pale_and_limp_between_cramps_is_level_two_and_asks_for_no_less() -> None:
    """The picture of intussusception: high risk. Limp now, with no "between", stays level 1."""
    bouts = "Cries in spasms with knees drawn up, limp and white between them."
    assert findings(bouts, age="5 mo")["esi.b.surgical-abdomen"] is RuleTier.DEMAND
    assert screen(record_from({"age": "5 mo", "note": bouts})).floor == 2
    assert screen(record_from({"age": "5 mo", "note": "limp baby"})).floor == 1


@pytest.mark.parametrize(
    ("note", "rule", "known"),
    [
        ("Struck the back of her head, takes apixaban.", "esi.b.head-injury-anticoagulant", {}),
        ("Swallowed thirty paracetamol tablets at noon.", "esi.b.overdose", {}),
        ("She took a fistful of paracetamol.", "esi.b.overdose", {}),
        ("Drank a cupful of antifreeze.", "esi.b.overdose", {}),
        ("Two shallow scratches, the rope is in the garage for tonight.", "esi.b.suicidal", {}),
        ("She hoped she would not wake up.", "esi.b.suicidal", {}),
        ("Has saved up her tablets and means to take them tonight.", "esi.b.suicidal", {}),
        ("Purple dots that stay under a pressed glass, fever.", "esi.b.meningitis", {}),
        ("Nose has poured for an hour, on rivaroxaban.", "esi5.b.epistaxis", {}),
        ("Right scrotum is swollen and red, sudden.", "esi.b.torsion", {"sex": "male", "age": "11 a"}),
        ("Cannot feel the toilet paper when he wipes.", "esi.b.cauda-equina", {}),
        ("Potassium 7.1 on this morning's bloods.", "esi.b.hyperkalaemia", {}),
        ("A curtain coming down over the right eye.", "esi.b.vision-loss", {}),
        ("Thumb cut clean off by a saw.", "esi.b.open-fracture", {}),
        ("Rattlesnake bite to the ankle.", "esi.b.envenomation", {}),
        ("Brother saw her swallow a shiny round battery.", "esi.b.button-battery", {"age": "18 mo"}),
        ("Voice hoarse, nasal hair singed, black sputum.", "esi5.b.airway", {}),
        ("Partner grabbed her neck until things went black.", "esi.b.strangulation", {}),
        ("A cousin forced sex on her last night.", "esi.b.sexual-assault", {}),
        ("Harsh noise on every breath at rest.", "esi5.b.airway", {"age": "2 a"}),
        ("Pulled from a garden pond by a neighbour.", "esi.b.drowning", {"age": "6 a"}),
        ("Motorcyclist thrown ten metres.", "esi.b.high-energy", {}),
        ("Headache was at its worst within a minute.", "esi.b.thunderclap", {}),
    ],
)
def test_plain_words_for_a_red_flag_are_read(note: str, rule: str, known: dict[str, object]) -> None:
    assert findings(note, **known).get(rule) is RuleTier.DEMAND


def test_too_many_demands_on_the_authored_cases_stay_away() -> None:
    """Demand findings more urgent than the label: 44 of 1,372 before, 26 after; 33 of 1,758. The rest protects."""
    cases = list(read_authored())
    above = [
        case.case_id
        for case in cases
        if any(
            finding.tier is RuleTier.DEMAND and finding.level < case.acuity
            for finding in screen(case.record).findings
        )
    ]
    assert len(above) <= 0.022 * len(cases)
