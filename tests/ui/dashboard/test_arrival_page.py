"""The form for a new arrival: every error beside its field, nothing lost, one patient, a level at the end."""

import time
import uuid
from datetime import date

import httpx
import pytest
from screen_parts import actor, html_of

from data_schemas import FactKind
from integrations.settings import FhirSettings, ModelSettings, Settings
from ui.dashboard import services
from ui.dashboard.arrival.collect import collect
from ui.dashboard.services import Dashboard, Problem


class Form:
    """The page with its fields by name."""

    def __init__(self, app):
        self.app = app

    @property
    def prefix(self):
        return f"arrival-{self.app.session_state['arrival']['token'][:8]}-"

    def widget(self, name):
        key = self.prefix + name
        for kind in ("text_input", "text_area", "selectbox", "checkbox", "button_group"):
            for element in self.app.get(kind):
                if element.key == key:
                    return element
        raise AssertionError(f"no field {name}")

    def fill(self, **values):
        for name, value in values.items():
            self.widget(name.replace("__", "-")).set_value(value)
        self.app.run()
        assert not self.app.exception
        return self

    def press(self, what="press"):
        names = {
            "press": f"arrival-press-{self.prefix[8:16]}",
            "confirm": f"arrival-confirm-{self.prefix[8:16]}",
        }
        self.app.button(key=names.get(what, what)).click().run()
        assert not self.app.exception
        return self

    @property
    def html(self):
        return html_of(self.app)


@pytest.fixture
def form(visit):
    return lambda role="nurse", **state: Form(visit("arrival", role=role, **state))


def waiting(dashboard):
    return dashboard.board(actor()).rows


def test_an_arrival_is_triaged_and_its_page_shows_the_level(form, dashboard):
    page = form().fill(complaint="chest pain, sweating", age="58", sex="male", heart_rate="128", systolic_bp="84",
                       diastolic_bp="50", oxygen_saturation="93", breathes="air", avpu="A", pain="8")  # fmt: skip
    page.press()
    (row,) = waiting(dashboard)
    assert page.app.session_state["case_id"] == row.case_id
    case = dashboard.case(actor(), row.case_id)
    assert case.assessment.level <= 2
    assert "ed-level" in page.html
    assert "chest pain, sweating" in page.html
    assert case.intake.number(FactKind.OXYGEN_FLOW) == 0
    assert FactKind.TEMPERATURE in case.intake.missing


def test_what_is_empty_is_named_as_not_known(form):
    html = form().fill(complaint="cough", heart_rate="80").html
    assert "Not known yet" in html
    assert "Temperature" in html
    assert "Heart rate," not in html


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"heart_rate": "fast"}, "This is no number"),
        ({"heart_rate": "400"}, "0 to 350 can be"),
        ({"heart_rate": "0"}, "Zero is not taken"),
        ({"temperature": "98.6"}, "If it was °F, change the unit"),
        ({"oxygen_saturation": "120"}, "0 to 100 can be"),
        ({"systolic_bp": "90", "diastolic_bp": "95"}, "not below systolic 90"),
        ({"pain": "12"}, "0 to 10 can be"),
        ({"gcs": "16"}, "3 to 15 can be"),
        ({"gcs_eye": "4", "gcs_verbal": "5", "gcs_motor": "6", "gcs": "10"}, "three parts make 15"),
        ({"breathes": "oxygen"}, "How many litres"),
        ({"breathes": "air", "oxygen_flow": "2"}, "On room air there is no flow"),
        ({"birth_date": "07/03/1985"}, "such as 1985-03-07"),
        ({"birth_date": "2099-01-01"}, "This is after today"),
        ({"birth_date": "1890-01-01"}, "over 120 years"),
        ({"age": "four"}, "whole number"),
        ({"age": "0"}, "give months, weeks or days"),
        ({"birth_date": "1985-03-07", "age": "12"}, "gives 40 years"),
        ({"conditions": "none"}, "leave this empty"),
        ({"allergies": "NKDA"}, "tick the box"),
        ({"allergies": "Penicillin", "no_known_allergies": True}, "the box says there are none"),
        ({"complaint": "x" * 501}, "at most 500 fit"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_what_cannot_be_is_refused_beside_its_field_and_not_sent(form, dashboard, fields, words):
    page = form().fill(**({"complaint": "cough"} | fields))
    assert words in page.html
    assert 'role="alert"' in page.html
    page.press()
    assert "has to be corrected" in page.html or "have to be corrected" in page.html
    assert not waiting(dashboard)
    for name, value in fields.items():
        assert page.widget(name).value == value  # what was typed is still there


def test_without_a_complaint_it_is_asked_for_only_once_it_was_sent(form, dashboard):
    page = form().fill(heart_rate="80")
    assert "Say in a few words" not in page.html
    page.press()
    assert "Say in a few words" in page.html
    assert not waiting(dashboard)
    page.fill(complaint="cough").press()
    assert len(waiting(dashboard)) == 1


def test_a_slip_of_the_hand_is_said_beside_its_field_once_the_word_has_ended(form):
    page = form()
    assert (
        "slips of the hand" not in page.fill(complaint="chest pian").html
    )  # who types "pain" is at "pai" first
    html = page.fill(complaint="chset pian since noon", note="Dizzy, vomitng twice").html
    assert "&quot;chset&quot; as &quot;chest&quot;, &quot;pian&quot; as &quot;pain&quot;" in html
    assert "&quot;vomitng&quot; as &quot;vomiting&quot;" in html
    assert "slips of the hand" not in page.fill(complaint="chest pain since noon", note="").html


def test_what_is_unusual_is_asked_once_and_another_number_again(form, dashboard):
    page = form().fill(complaint="dizzy", heart_rate="28").press()
    assert "seldom below 30. Is this right?" in page.html
    assert not waiting(dashboard)
    page.fill(heart_rate="25")
    page.press("confirm")
    assert len(waiting(dashboard)) == 1


def test_a_confirmation_of_one_number_is_none_of_another(form, dashboard, clock, monkeypatch):
    page = form().fill(complaint="dizzy", heart_rate="28").press()
    monkeypatch.setattr(Dashboard, "arrive", lambda *_, **__: (_ for _ in ()).throw(Problem("not-ready")))
    page.press("confirm")
    page.fill(heart_rate="24")
    assert "Is this right?" in page.html
    monkeypatch.undo()
    page.press("confirm")
    assert dashboard.case(actor(), waiting(dashboard)[0].case_id).intake.number(FactKind.HEART_RATE) == 24


@pytest.mark.parametrize(
    ("kind", "unit", "typed", "shown", "value"),
    [
        ("temperature", "[degF]", "101.3", "= 38.5 °C", "38.50"),
        ("weight", "[lb_av]", "150", "= 68.0 kg", "68.039"),
        ("glucose", "mmol/L", "5.5", "= 99.1 mg/dL", "99.1"),
    ],
)
def test_units_are_switched_and_the_number_is_not(form, dashboard, kind, unit, typed, shown, value):
    page = form().fill(complaint="cough", age="40", **{f"{kind}__unit": unit, kind: typed})
    assert shown in page.html
    page.press()
    fact = dashboard.case(actor(), waiting(dashboard)[0].case_id).intake.first(FactKind(kind))
    assert str(fact.value) == value
    assert fact.as_received == f"{typed} {unit}"


def test_pregnancy_is_asked_where_it_can_be_and_not_sent_where_it_cannot(form, dashboard):
    page = form().fill(complaint="cough", age="30", sex="female")
    page.fill(pregnancy="pregnant")
    page.fill(sex="male")
    with pytest.raises(AssertionError, match="no field pregnancy"):
        page.widget("pregnancy")
    page.press()
    assert dashboard.case(actor(), waiting(dashboard)[0].case_id).intake.code(FactKind.PREGNANCY) is None


def test_pressing_twice_makes_one_patient(form, dashboard, monkeypatch):
    seen = []
    real = Dashboard.arrive

    def twice(self, *args, **more):
        seen.append(real(self, *args, **more).case.id)
        return real(self, *args, **more)

    monkeypatch.setattr(Dashboard, "arrive", twice)
    form().fill(complaint="cough", heart_rate="90").press()
    assert seen == [waiting(dashboard)[0].case_id]
    assert len(waiting(dashboard)) == 1


def test_what_was_typed_survives_another_page(form, dashboard):
    page = form().fill(complaint="cough", heart_rate="90", sex="female")
    page.app.session_state["first_page"] = "board"
    page.app.run()
    page.app.session_state["first_page"] = "arrival"
    page.app.run()
    assert page.widget("complaint").value == "cough"
    assert page.widget("heart_rate").value == "90"
    assert page.widget("sex").value == "female"


def test_starting_over_empties_it(form):
    page = form().fill(complaint="cough")
    page.press("arrival-clear")
    assert page.widget("complaint").value in {"", None}


def test_a_role_without_intake_has_no_such_page(visit):
    app = visit("arrival", role="auditor")
    assert "New arrival" not in html_of(app)


def test_what_a_patient_says_is_never_run(form, dashboard):
    page = form().fill(complaint="<img src=x onerror=alert(1)> pain", family="<b>Bold</b>").press()
    assert "<img" not in page.html
    assert "<b>Bold</b>" not in page.html


def test_nothing_is_a_default():
    found = collect({}, date(2026, 3, 4))
    assert not found.entered["measured"]
    assert all(not value for value in found.entered.values())


class TestWithARecordToWriteTo:
    @pytest.fixture
    def settings(self, tmp_path, monkeypatch, fhir_server):
        monkeypatch.chdir(tmp_path)
        fhir = FhirSettings(base_url=fhir_server, write_back=True, poll_seconds=3600, timeout_seconds=2)
        return Settings(data_dir=tmp_path / "records", model=ModelSettings(engine="none"), fhir=fhir)

    @pytest.fixture
    def dashboard(self, settings):
        opened = Dashboard(settings)  # the server has the real time
        services.connect(opened)
        yield opened
        services.disconnect()

    @pytest.fixture
    def clock(self):
        from agents import utc_now

        return utc_now

    def test_the_patient_is_made_there_first(self, form, dashboard, fhir_server):
        name = f"Quill{uuid.uuid4().hex[:8]}"
        page = form().fill(complaint="cough", family=name)
        assert "Filed in the hospital" in page.html
        page.press()
        case = dashboard.case(actor(), page.app.session_state["case_id"])
        assert case.encounter_key.startswith(f"{fhir_server}|Encounter/")
        found = httpx.get(f"{fhir_server}/Patient", params={"family": name}, timeout=20).json()
        assert [entry["resource"]["name"][0]["family"] for entry in found["entry"]] == [name]

    def test_where_it_is_away_nobody_is_triaged_unless_that_is_asked_for(self, form, tmp_path, monkeypatch):
        services.disconnect()
        fhir = FhirSettings(base_url="http://127.0.0.1:9/fhir", write_back=True, timeout_seconds=1)
        away = Settings(data_dir=tmp_path / "away", model=ModelSettings(engine="none"), fhir=fhir)
        opened = Dashboard(away)
        services.connect(opened)
        page = form().fill(complaint="cough", heart_rate="90").press()
        assert "cannot be reached" in page.html
        assert "still here" in page.html
        assert page.widget("heart_rate").value == "90"
        key = {row.case_id for row in opened.board(actor()).rows}
        assert not key
        page.press("arrival-local")
        assert len(opened.board(actor()).rows) == 1
        assert "Enter this visit there" in page.html


def test_the_board_says_that_arrivals_do_not_come(visit, tmp_path, clock):
    services.disconnect()
    fhir = FhirSettings(base_url="http://127.0.0.1:9/fhir", timeout_seconds=1)
    away = Settings(data_dir=tmp_path / "fed", model=ModelSettings(engine="none"), fhir=fhir)
    opened = Dashboard(away, clock=clock)
    services.connect(opened)
    for _ in range(100):
        if opened.feed(actor()) is not None:
            break
        time.sleep(0.2)
    assert "has not answered yet" in html_of(visit("board"))
