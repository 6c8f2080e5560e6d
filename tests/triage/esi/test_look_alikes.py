"""Words that look like a red flag and are none, each beside the true case that must still fire."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_schemas import RuleTier, Screening
from triage.esi import screen
from triage.guidelines import record_from
from triage.training.corpus import LabelledCase, read_authored


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
    ("esi.a.unresponsive-said", "Does not open her eyes in bright light.", "Does not open her eyes to a pinch.", {}),
    ("esi.b.high-energy", "The car rolled slowly into a post.", "The car rolled over into a ditch.", {}),
    ("esi.b.high-energy", "He arced his back with the pain.", "Thrown back by 11 kV from the line.", {}),
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
    ("esi.b.overdose", "Empty pill bottle, lisinopril ran out today.", "Found with an empty pill bottle.", {}),
    ("esi.b.overdose", "Brings an empty pill bottle for a refill.", "Empty pill bottle, refill, drowsy.", {}),
    ("esi.b.overdose", "Empty pill bottle, wants a refill.", "Empty pill bottle, ran out, wants to die.", {}),
    ("esi.b.open-fracture", "Film for a crushed vertebra.", "Crushed vertebra and a crushed hand.", {}),
    ("esi.b.new-confusion", "Confused as on every day for four years.", "Confused today.", {"age": "85 a"}),
    ("esi.b.stroke", "Stroke six months ago with unchanged right weakness.",
     "Stroke six months ago, right weakness worse today.", {"age": "69 a"}),
    ("esi.b.stroke", "Stroke six months ago with unchanged right weakness.",
     "Stroke six hours ago with unchanged right weakness.", {"age": "69 a"}),
    ("esi.b.stroke", "Left-sided weakness since a stroke in 2015, unchanged.",
     "Left-sided weakness since a stroke in 2015, worse today.", {"age": "66 a"}),
    ("esi5.b.acs", "Wants a check after a colleague had a massive heart attack.",
     "Colleague says he had a heart attack.", {}),
    ("esi5.b.acs", "Worried since her neighbour died of a heart attack.", "Worried, heart attack.", {}),
    ("esi5.b.chemo-fever", "Chemotherapy ended six years ago, fever.", "Chemotherapy ended six days ago, fever.", {}),
    ("esi5.b.chemo-fever", "Fever, tested because her brother starts chemotherapy.", "Fever, on chemotherapy.", {}),
    ("esi.b.penetrating-any", "Flu shot in the arm, sore.", "Shot in the arm by a stranger.", {}),
    ("esi.b.penetrating-any", "Felt a pop behind the heel, thought he had been shot.", "Says he has been shot.", {}),
    ("esi.b.new-confusion", "Does not know what bit her.", "Does not know where she is.", {}),
    ("esi.a.unresponsive-said", "Does not open her eyes in bright light.", "Does not open her eyes.", {}),
    ("esi5.b.needlestick", "Needle-stick, a clean sewing-machine needle.", "Needle-stick, a used needle.", {}),
    ("esi.b.vision-loss", "Cannot see out of the left lens.", "Cannot see out of the left eye.", {}),
    ("esi.b.overdose", "Took all her tablets and kept them down.", "Took all of her mother's tablets.", {}),
    ("esi.b.surgical-abdomen", "Breast hot and rock hard.", "Belly hard as a board.", {}),
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
        ("Car rolled over twice, he crawled out.", "esi.b.high-energy", {}),
        ("Elephant sitting on his chest, jaw aches too.", "esi5.b.acs", {"age": "58 a"}),
        ("Mouth hangs on one side and she talks gibberish.", "esi.b.stroke", {"age": "66 a"}),
        ("Has bought a rope.", "esi.b.suicidal", {}),
        ("Hears God telling him to hurt the neighbours.", "esi.b.homicidal", {}),
        ("Table saw took two fingers.", "esi.b.open-fracture", {}),
        ("Bone sticking out of the shin.", "esi.b.open-fracture", {}),
        ("Spots that don't fade under a glass, fever.", "esi.b.meningitis", {"age": "4 a"}),
        ("Headache was at its worst within a minute.", "esi.b.thunderclap", {}),
    ],
)
def test_plain_words_for_a_red_flag_are_read(note: str, rule: str, known: dict[str, object]) -> None:
    assert findings(note, **known).get(rule) is RuleTier.DEMAND


@pytest.fixture(scope="module")
def written() -> list[tuple[LabelledCase, Screening]]:
    return [(case, screen(case.record)) for case in read_authored()]


def test_too_many_demands_on_the_authored_cases_stay_away(written) -> None:
    """Demand findings more urgent than the label: 44 of 1,372, then 28 of 1,758, now 32 of 2,028. The rest protects."""
    above = [
        case.case_id
        for case, found in written
        if any(f.tier is RuleTier.DEMAND and f.level < case.acuity for f in found.findings)
    ]
    assert len(above) <= 0.016 * len(written)


def test_the_rules_alone_leave_few_urgent_authored_cases_at_4_or_5(written) -> None:
    """Level 1 or 2 that the rules alone put at 4 or 5: 61 of 695 before their wordings were learned, then 16 of 740,
    now none."""
    low = [case.case_id for case, found in written if case.acuity <= 2 and found.level >= 4]
    assert len(low) <= 3, low


SOMEBODY_ELSE = [
    "wants a check after a colleague had a heart attack",
    "worried since his friend had a seizure",
    "here because a neighbor died of a stroke",
    "stroke six months ago with unchanged right weakness",
    "film for a crushed vertebra",
]
PRESENT_NOW = [
    ("Friend says he had a seizure in the car.", "esi.c.seizure"),
    ("My friend had a seizure.", "esi.c.seizure"),
    ("Brought in after a friend had found her unconscious.", "esi.a.unresponsive-said"),
    ("Crushed hand.", "esi.b.open-fracture"),
    ("Left arm weakness since noon.", "esi.b.stroke"),
    ("Crushing chest pain.", "esi.b.chest-pain-adult"),
]


def test_an_empty_bottle_for_a_refill_still_counts_where_the_patient_is_not_alert() -> None:
    assert "esi.b.overdose" in findings("Empty pill bottle, wants a refill.", avpu="V")


@given(
    st.lists(st.sampled_from(SOMEBODY_ELSE), min_size=1, max_size=3),
    st.sampled_from(PRESENT_NOW),
    st.booleans(),
)
def test_what_somebody_else_had_hides_nothing_that_the_patient_has(
    others: list[str], present: tuple[str, str], first: bool
) -> None:
    note, rule = present
    told = ". ".join(others) + "."
    both = f"{note} {told}" if first else f"{told} {note}"
    assert rule in findings(note, age="69 a")
    assert rule in findings(both, age="69 a")


@pytest.mark.parametrize(
    ("known", "imaging"),
    [
        ({"note": "headache", "injury": "yes"}, True),
        ({"note": "fell on the stairs, neck pain"}, True),
        ({"note": "rear-ended, MVC, headache"}, True),
        ({"note": "headache"}, False),
        ({"note": "headache, no fall"}, False),
        ({"note": "headache", "injury": "no"}, False),
    ],
)
def test_a_painful_head_or_neck_after_an_injury_needs_imaging(
    known: dict[str, object], imaging: bool
) -> None:
    found = findings(str(known["note"]), **{key: value for key, value in known.items() if key != "note"})
    assert ("esi.c.injured-head-neck" in found) is imaging


def test_a_headache_after_an_injury_under_an_anticoagulant_is_high_risk() -> None:
    rule = "esi.b.head-injury-anticoagulant"
    assert findings("headache, on apixaban", injury="yes")[rule] is RuleTier.DEMAND
    assert findings("MVC, headache, on apixaban")[rule] is RuleTier.DEMAND
    assert rule not in findings("headache, on apixaban")
    assert rule not in findings("wrist pain, on apixaban", injury="yes")
