"""Terse complaints as they are typed at the desk: whatever stands beside a finding, it is found."""

import pytest

from triage.esi import screen
from triage.guidelines import record_from

URGENT = [
    "SI: denies plan",
    "SI - denies plan",
    "suicidal ideation: denies plan",
    "suicidal ideation denied plan",
    "unresponsive - denies drug use per family",
    "stab wound to chest - denies SOB",
    "slurred speech denied alcohol",
    "facial droop - denies headache",
    "SI - no plan",
    "left arm weakness absent reflexes",
    "facial droop unlikely Bells",
    "facial droop in the past hour",
    "unresponsive in the past 10 minutes",
    "stroke symptoms in the past hour",
    "slurred speech in the past 30 minutes",
    "suicidal in the past 24 hours",
    "chest pain radiating to jaw in the past hour",
    "for the past hour facial droop",
    "past 3 days confused",
    "past midnight facial droop",
    "half past 3 facial droop",
    "husband died recently, suicidal",
    "wife died last month, wants to die",
    "wife died, wants to kill himself",
    "wife died recently suicidal with plan",
    "mother died today, chest pain radiating to arm, sweating",
    "wife has covid, severe SOB",
    "brother died of overdose, pt took 30 pills",
    "Pt returns with stroke symptoms",
    "returns with severe respiratory distress",
    "returns with suicidal ideation",
    "returns with chest pain, diaphoretic",
    "stopped lithium now suicidal",
    "stopped meds now suicidal",
    "stopped meds suicidal",
    "stopped taking meds and suicidal",
    "denies fever, unresponsive",
    "denies fever or cough, severe respiratory distress",
    "negative for covid, severe respiratory distress",
    "neg for flu, unresponsive",
    "no hx of trauma, facial droop",
    "no history of seizures, seizing",
    "denies hx of heart disease, crushing chest pain, sweating",
    "hx DM unresponsive",
    "hx of diabetes found unresponsive",
    "hx asthma severe respiratory distress",
    "hx of CAD chest pain diaphoresis",
    "hx depression SI with plan",
    "hx afib facial droop",
    "hx seizures seizing now",
    "facial droop stroke 2 yrs ago",
    "chest pain stent 2 years ago, diaphoretic",
    "slurred speech stroke 2 years ago",
    "cant breathe",
    "wont wake up",
    "cant move right arm",
    "cant move legs since fall",
    "cant swallow saliva",
    "can not breathe",
    "can\u2018t breathe",
    "can`t breathe",
    "isn't breathing",
    "doesn't respond",
    "unre\u00adsponsive",
    "not\u2011breathing",
    "OD on heroin",
    "intentional OD",
    "OD'd on heroin",
    "lithium OD",
    "polysubstance OD",
    "STEMI",
    "STEMI alert from EMS",
    "barely breathing",
    "agonal resps",
    "no respiratory effort",
    "minimally responsive",
    "unable to wake up",
    "not arousable",
    "resp failure",
    "needs BiPAP",
    "doesn't want to live",
    "doesn't want to be here anymore",
    "wish I was dead",
    "no will to live",
    "wants to end it all",
    "ventricular tachycardia, dizzy",
    "VT",
    "complete heart block, HR 32",
    "AICD fired x3",
    "epiglottitis",
    "flail chest",
    "tension pneumo",
    "evisceration",
    "ped vs auto",
    "new paraplegia",
    "not moving left side",
    "nec fasc",
    "nosebleed won't stop on coumadin",
    "worst HA of life",
    "denies etoh, suicidal with plan",
]
CALM = [
    "unconscious bias training injury to wrist",
    "gasping at price, anxious",
    "negative stroke screen, tooth pain",
    "wants stroke screening",
    "SI: no HI: no. Rash",
    "tooth abscess, no trismus no drooling",
    "nephew died of overdose, grief",
    "confused about discharge instructions",
    "fall from bed height",
    "explosion of acne",
    "AAA battery stuck in nose",
    "denies chest pain",
    "no SI or HI",
    "denies SI/HI",
    "SI denied by pt",
    "suicidal ideation denied today",
    "cough, chest pain denied",
    "return for chest pain",
    "instructed to return with chest pain, here for suture removal",
    "mother had stroke, MI",
    "family history of stroke",
    "hx of stroke 2 yrs ago, cough",
    "hx of overdose, refill",
    "chest pain in 2010, cut finger",
    "stopped vomiting",
    "stopped bleeding",
    "denies fever, chest pain, SOB, n/v; ankle sprain",
    "no hx of DVT, PE, cough",
    "no chest pain",
    "suicide attempt 2 years ago, refill",
]
IN_PREGNANCY = [
    "34 wks preg, vag bleeding",
    "pregnant 34 weeks vaginal bleeding",
    "6 wks preg, lower abd pain, spotting",
    "preg 38w, HA, blurred vision, BP 170/110",
]
IN_THE_FIRST_WEEKS = ["fever", "febrile", "temp 101 at home", "bilious emesis", "wont feed, sleepy"]


def screening(complaint, age="60 a", **more):
    return screen(record_from({"age": age, "complaint": complaint, **more}))


@pytest.mark.parametrize("complaint", URGENT)
def test_an_urgent_finding_is_found(complaint):
    assert screening(complaint).level <= 2


@pytest.mark.parametrize("complaint", IN_PREGNANCY)
def test_an_urgent_finding_in_pregnancy_is_found(complaint):
    assert screening(complaint, age="28 a", sex="female").level <= 2


@pytest.mark.parametrize("complaint", IN_THE_FIRST_WEEKS)
def test_an_urgent_finding_in_the_first_weeks_is_found(complaint):
    assert screening(complaint, age="10 d").level <= 2


@pytest.mark.parametrize("complaint", CALM)
def test_what_is_denied_past_or_no_finding_demands_nothing(complaint):
    found = screening(complaint, age="35 a")
    assert found.floor is None
    assert found.level >= 3


@pytest.mark.timeout(60)
def test_a_long_note_without_a_full_stop_does_not_keep_the_next_patient_waiting():
    once = (
        "denies fever chills cough no chest pain no shortness of breath no abdominal pain without vomiting, "
    )
    assert screening("cough", note=(once * 80)[:8000]).level >= 2  # it took minutes: cubic in its length
