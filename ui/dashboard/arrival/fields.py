"""The fields of the form: a label, a place to type, and below it what is wrong or asked. The place for that is always
there, so that nothing moves and no field loses the cursor while somebody types."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from data_schemas import CANONICAL_UNITS, FactKind
from integrations.fhir.units import to_canonical
from integrations.intake import UNITS, Measured, Objection
from triage.text.spelling import find_slips
from ui.dashboard.arrival.collect import Collected
from ui.dashboard.look import Safe, icon, show, tag
from ui.dashboard.strings import has_text, text, word

_PROSE = frozenset({"complaint", "note"})
_KINDS = frozenset(kind.value for kind in FactKind)
DRAFT = "arrival"
"""Where the form is kept in the session: its widgets are forgotten when another page is looked at."""
MOST_IN_VIEW = 7


@dataclass(frozen=True)
class Fields:
    """Draws fields; each keeps its value in the draft under its name."""

    draft: dict[str, Any]
    collected: Collected
    pressed: bool

    def line(self, name: str, label: str, *, hint: str | None = None, limit: int | None = None) -> None:
        """One line of text."""
        st.text_input(
            label, key=self._key(name), live=True, autocomplete="off", placeholder=hint, max_chars=limit
        )
        self._below(name)

    def lines(self, name: str, label: str, *, hint: str | None = None, height: int = 100) -> None:
        """Several lines of text."""
        st.text_area(label, key=self._key(name), placeholder=hint, height=height)
        self._below(name)

    def choice(self, name: str, label: str, options: Sequence[str], group: str) -> None:
        """One of a few, or none: nothing is chosen beforehand, and a second click takes a choice back.

        A few stand side by side, one click each; more than ``MOST_IN_VIEW`` are in a list that opens.
        """

        def words(code: str) -> str:
            return text(f"arrival.{group}.{code}")

        if len(options) <= MOST_IN_VIEW:
            st.pills(label, list(options), key=self._key(name), format_func=words, wrap=True)
        else:
            st.selectbox(
                label,
                list(options),
                index=None,
                key=self._key(name),
                placeholder=text("arrival.not-asked"),
                format_func=words,
            )
        self._below(name)

    def tick(self, name: str, label: str) -> None:
        """Something that somebody said expressly."""
        st.checkbox(label, key=self._key(name, False))
        self._below(name)

    def number(self, kind: FactKind, *, hint: str | None = None) -> None:
        """A vital sign in the unit of the device."""
        units = UNITS[kind]
        name = word("arrival.field", kind.value)
        if len(units) == 1:
            unit = text(f"arrival.unit.{units[0]}") if has_text(f"arrival.unit.{units[0]}") else None
            label = text("arrival.with-unit", name=name, unit=unit) if unit else name
            st.text_input(
                label,
                key=self._key(kind.value),
                live=True,
                autocomplete="off",
                placeholder=hint or text("arrival.not-measured"),
                max_chars=8,
            )
        else:
            with _pair(kind.value):
                st.text_input(
                    name,
                    key=self._key(kind.value),
                    live=True,
                    autocomplete="off",
                    placeholder=text("arrival.not-measured"),
                    max_chars=8,
                )
                self.unit(kind)
        self._below(kind.value)

    def age(self, label: str, unit_label: str, units: Sequence[str]) -> None:
        """A whole number with its unit."""
        with _pair("age"):
            st.text_input(label, key=self._key("age"), live=True, autocomplete="off", max_chars=4)
            st.selectbox(
                unit_label,
                list(units),
                key=self._key("age-unit", units[0]),
                format_func=lambda unit: text(f"arrival.age-unit.{unit}"),
                label_visibility="collapsed",
                width=100,
            )
        self._below("age")

    def unit(self, kind: FactKind) -> None:
        """The unit of the device; it holds for the whole session, for a department has its devices."""
        st.segmented_control(
            text("arrival.unit-of", name=word("arrival.field", kind.value)),
            UNITS[kind],
            key=self._key(f"{kind}-unit", st.session_state.get(kept_unit(kind)) or UNITS[kind][0]),
            format_func=lambda unit: text(f"arrival.unit.{unit}"),
            label_visibility="collapsed",
            required=True,
            on_change=self._keep_unit,
            args=(kind,),
        )

    def _keep_unit(self, kind: FactKind) -> None:
        st.session_state[kept_unit(kind)] = st.session_state[key_of(self.draft, f"{kind}-unit")]

    def _key(self, name: str, default: Any = None) -> str:
        key = key_of(self.draft, name)
        if key not in st.session_state:
            st.session_state[key] = self.draft["values"].get(name, default)
        return key

    def _below(self, name: str) -> None:
        refused, asked = self.collected.refused.get(name), self.collected.asked.get(name)
        if refused is not None and (self.pressed or refused.key != "complaint-needed"):
            show(_message(refused, "danger", "alert"))
        elif asked is not None:
            show(_message(asked, "warn", "status"))
        elif name in _KINDS and (converted := _converted(self.collected.entered["measured"], FactKind(name))):
            show(tag("p", converted, cls="ar-hint", role="status"))
        elif name in _PROSE and (read := _read_as(self.collected.entered[name] or "", ended=self.pressed)):
            show(tag("p", read, cls="ar-hint", role="status"))
        else:
            show(tag("p", cls="ar-none"))


def _read_as(prose: str, *, ended: bool) -> str:
    """Which words rules and model read as others; the last one only where it has ended, for half a word is no slip."""
    slips = [slip for slip in find_slips(prose) if ended or slip.end < len(prose)]
    words = dict.fromkeys(text("arrival.reads", written=slip.written, read=slip.read_as) for slip in slips)
    return text("arrival.read-as", words=", ".join(words)) if words else ""


def _pair(name: str) -> DeltaGenerator:
    """A number and its unit in one line."""
    return st.container(key=f"ar-pair-{name}", horizontal=True, vertical_alignment="bottom", gap="small")


def key_of(draft: dict[str, Any], name: str) -> str:
    """The widget's key: another form has other widgets."""
    return f"arrival-{draft['token'][:8]}-{name}"


def kept_unit(kind: FactKind) -> str:
    """Where the session keeps the unit that was chosen for a kind."""
    return f"kept-unit-{kind}"


def words_of(objection: Objection) -> str:
    """An objection in words, its units too."""
    values = dict(objection.values)
    if values.get("other"):
        values["other"] = text(f"arrival.unit.{values['other']}")
    return text(f"arrival.check.{objection.key}", **values)


def _message(objection: Objection, tone: str, role: str) -> Safe:
    return tag("p", icon(tone), words_of(objection), cls=f"ar-message ed-tone-{tone}", role=role)


def _converted(measured: dict[FactKind, Measured], kind: FactKind) -> str | None:
    """The number in the unit that the record is read in, where it was typed in another."""
    found = measured.get(kind)
    if found is None or found.unit == CANONICAL_UNITS[kind]:
        return None
    value = to_canonical(kind, found.value, found.unit)
    return text("arrival.equals", value=f"{value:.1f}", unit=text(f"arrival.unit.{CANONICAL_UNITS[kind]}"))
