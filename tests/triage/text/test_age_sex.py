"""Age and sex written as one, in running text: what is read, and what is something else."""

from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_schemas.intake import FactKind
from triage.text.age_sex import age_and_sex
from triage.text.vitals import mentions


def read(text: str) -> tuple[str | None, str | None]:
    """Age in years and sex, as all of the reading of prose gives them."""
    found = {m.kind: m for m in reversed(mentions(text))}
    age, sex = found.get(FactKind.AGE), found.get(FactKind.SEX)
    assert age is None or age.unit == "a", text
    return (None if age is None else str(age.value), None if sex is None else sex.code)


PATIENTS = [
    ("Rider, 22F, kicked in the head by a horse", "22", "female"),
    ("Care-home hand-over: 91M with dementia", "91", "male"),
    ("EMS: 49M pulled from a garage fire", "49", "male"),
    ("Tall 21M, sudden chest pain", "21", "male"),
    ("Noted. 62M myasthenia, ptosis", "62", "male"),
    ("Seventy-six-year-old man fell", "76", "male"),
    ("Two-year-old boy, barking cough", "2", "male"),
    ("His ten-week-old kitten scratched a 30-year-old man", "30", "male"),
    ("EMS brings 35F found down at home", "35", "female"),
    ("BIBA. 62 yo M in mid-sentence, chest pain", "62", "male"),
    ("Trauma alert, 19M stabbed in the back", "19", "male"),
    ("Pt is a 62 yo M with chest pain since noon", "62", "male"),
    ("Pt is a 62M, chest pain since noon", "62", "male"),
    ("Pt 62M c/o chest pain", "62", "male"),
    ("Patient is 35 F presenting with cramps", "35", "female"),
    ("She is a 35F w/ lower abdominal pain", "35", "female"),
    ("Here with her husband. 35F with fever 3 days", "35", "female"),
    ("This is an otherwise healthy 24F with rash", "24", "female"),
    ("Seen by EMS: 81F fell in the kitchen", "81", "female"),
    ("Assault. 19M, hit with a bat", "19", "male"),
    ("Transfer from clinic\n44M sent for CT", "44", "male"),
    ("62yoM c/o back pain", "62", "male"),
    ("62 YOM fell from standing", "62", "male"),
    ("seen 35yof w/ sob", "35", "female"),
    ("62 yo m fell", "62", "male"),
    ("62y M with cough", "62", "male"),
    ("Restrained driver, 62yM, no LOC", "62", "male"),
    ("62yr F dizzy", "62", "female"),
    ("35 y.o. F with cramps", "35", "female"),
    ("35 y/o F, cramps", "35", "female"),
    ("HPI: 98F with cough and congestion", "98", "female"),
    ("45F with chest pain", "45", "female"),
    ("45F", "45", "female"),
    ("29F 8 weeks pregnant with spotting", "29", "female"),
    ("Her husband 66M collapsed? No: pt is a 61F with palpitations", "61", "female"),
    ("A 40M brought by his 10-year-old son", "40", "male"),
    ("Pt is a 35F with a foley catheter at home", "35", "female"),
    ("Pt is a 5F with cough", "5", "female"),
    ("66F nephrostomy tube slid out overnight", "66", "female"),
    ("20M smokes daily, third visit this month", "20", "male"),
    ("17M woke up with a bat in the tent, cat is vaccinated", "17", "male"),
    ('"It is nothing." 57F, chemotherapy nine days ago, T 38.3', "57", "female"),
]

NOBODY = [
    "Temp 98.6F this morning",
    "T 98F, HR 80",
    "temperature was 101F at home, given Tylenol",
    "Fever, 101F, with cough",
    "Fever to 103 F with chills",
    "Cough. 101F at home",
    "Cough. 101F, chills",
    "T 101, 98F with chills",
    "Ambient 35F, found outside",
    "Found in water at 35F after an hour",
    "It was 35F outside, found in the snow",
    "BP 120 M",
    "BP 120/80 M",
    "HR 98 F",
    "SpO2 95 F",
    "Works for 3M company",
    "Works at 3M, fell",
    "3M mask fit problem",
    "after a 10M swim",
    "She swam a 50M, then collapsed",
    "jumped from the 10M platform",
    "a 5M settlement",
    "$5M lawsuit stress",
    "a 16F Foley was placed",
    "Needs a 16F catheter with balloon",
    "18F Foley leaking",
    "16F suprapubic catheter blocked",
    "14F NG tube pulled out",
    "Lives in apt 4F with stairs",
    "Apartment 12F, found down",
    "from room 12F with confusion",
    "bed 5M, waiting",
    "Size 9M shoe, blister",
    "Mother brings 3M with fever",
    "Mom says 18M with fever and not feeding",
    "Pt is a 6M with cough",
    "3M with fever",
    "ICD M54.5",
    "F32 depression, M35 too",
    "took 35 mg",
    "follow up in 5 y f/u",
    "for 10 yr F/u",
    "Her husband 62yoM has the flu",
    "husband is a 62M with cough",
    "19M and 35F in MVC",
    "Given 2L, 35 mL/F",
    "seat 12F, syncope on the plane",
    "35M-old",
    "x35F",
    "1135F",
    "3-5F",
    "scan 5.35F with contrast",
]


@pytest.mark.parametrize(("text", "age", "sex"), PATIENTS)
def test_a_patient_is_read(text: str, age: str, sex: str) -> None:
    assert read(text) == (age, sex)


@pytest.mark.parametrize("text", NOBODY)
def test_something_else_is_not_a_patient(text: str) -> None:
    assert age_and_sex(text) is None
    assert read(text) == (None, None)


@settings(deadline=None)
@given(text=st.text(alphabet=st.sampled_from("0123456789 .,:;/-yoMFmf\n"), max_size=40))
@example("00F")
@example("007M fell")
@example("05yoF")
def test_whatever_is_read_points_at_its_own_characters(text: str) -> None:
    found = age_and_sex(text)
    if found is None:
        return
    age, sex = found
    assert text[age.start : age.end] == age.as_received == str(age.value)
    assert text[sex.start : sex.end].upper() == {"female": "F", "male": "M"}[sex.code or ""]
    assert age.end <= sex.start


@settings(deadline=None)
@given(
    age=st.integers(13, 92),
    sex=st.sampled_from("MF"),
    form=st.sampled_from(["{}{}", "{} {}", "{}yo{}", "{} yo {}", "{}y{}", "{} y/o {}", "{}yr {}"]),
    lead=st.sampled_from(
        ["", "Pt is a ", "EMS brings ", "This is a ", "Called by EMS. ", "HPI: ", "She is a "]
    ),
    rest=st.sampled_from([" with chest pain", " c/o cough", " found down", " presents with fever", " BIBA"]),
)
def test_every_way_of_writing_says_the_same(age: int, sex: str, form: str, lead: str, rest: str) -> None:
    assert read(lead + form.format(age, sex) + rest) == (str(age), "female" if sex == "F" else "male")


@settings(deadline=None)
@given(
    number=st.decimals(90, 109, places=1),
    lead=st.sampled_from(["T ", "Temp ", "temperature ", "fever of ", "febrile to ", "Temp: "]),
    gap=st.sampled_from(["", " "]),
    rest=st.sampled_from(["", " with chills", ", cough", " found down", "; HR 90"]),
    whole=st.booleans(),
)
def test_a_temperature_is_never_a_woman(number: Decimal, lead: str, gap: str, rest: str, whole: bool) -> None:
    shown = int(number) if whole else number
    assert age_and_sex(f"{lead}{shown}{gap}F{rest}") is None


@settings(deadline=None)
@given(
    months=st.integers(1, 24),
    word=st.sampled_from(["Mother brings", "Infant,", "Baby", "Parents bring toddler", "Not feeding."]),
)
def test_what_may_be_months_is_not_years(months: int, word: str) -> None:
    assert age_and_sex(f"{word} {months}M with fever") is None
