"""Whatever a server writes: an answer that is right in every part, or an error of ours."""

import contextlib
import copy
import json
import math
from typing import Any

import pytest
from faulty_server import LOGPROBS, NAME, FaultyServer
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.slm.errors import EngineError
from triage.slm.vllm import LogprobsMissingError
from triage.slm.vllm.failures import error_of_status, json_of
from triage.slm.vllm.wire import read_completion

WHOLE = {"model": NAME, "prompt": [1, 2, 3], "structured_outputs": {}}

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.just("token_id:-5")
    | st.integers().map(lambda n: f"token_id:{n}")
    | st.just(10**400)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(found: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path to every part of a payload."""
    items = found.items() if isinstance(found, dict) else enumerate(found) if isinstance(found, list) else ()
    return [at, *(place for key, value in items for place in places(value, (*at, key)))]


def changed(payload: Any, place: tuple[Any, ...], value: Any, *, drop: bool) -> Any:
    if not place:
        return value
    payload = copy.deepcopy(payload)
    parent = payload
    for key in place[:-1]:
        parent = parent[key]
    if drop:
        del parent[place[-1]]
    else:
        parent[place[-1]] = value
    return payload


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_no_payload_leads_to_anything_but_an_answer_or_an_error_of_ours(tokens, data):
    good = FaultyServer(tokens).good(WHOLE)
    place = data.draw(st.sampled_from(places(good)))
    payload = changed(good, place, data.draw(values), drop=data.draw(st.booleans()))
    try:
        found = read_completion(payload, NAME, 3, tokens, whole=True)
    except EngineError:
        return
    assert len(found.level_logprobs) == 5
    assert math.fsum(map(math.exp, found.level_logprobs)) == pytest.approx(1, abs=1e-9)
    assert found.written[0] == tokens.digits[found.level_logprobs.index(max(found.level_logprobs))]
    assert payload["choices"][0]["text"] == tokens.decode(found.written)


@given(shift=st.floats(-500, 500), level=st.integers(0, 4), missing=st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_constant_on_all_five_changes_nothing_and_each_one_is_needed(tokens, shift, level, missing):
    top = {f"token_id:{token}": value + shift for token, value in zip(tokens.digits, LOGPROBS, strict=True)}
    name = f"token_id:{tokens.digits[level]}"
    if missing:
        del top[name]
    payload = json.loads(json.dumps(FaultyServer(tokens).good(WHOLE, top=top)))
    if missing:
        with pytest.raises(LogprobsMissingError, match=f"level {level + 1}"):
            read_completion(payload, NAME, 3, tokens, whole=True)
        return
    total = math.log(math.fsum(map(math.exp, LOGPROBS)))
    found = read_completion(payload, NAME, 3, tokens, whole=True).level_logprobs
    assert found == pytest.approx([value - total for value in LOGPROBS], abs=1e-9)


@given(body=st.binary(max_size=200), status=st.integers(100, 599), pause=st.text(max_size=12))
@settings(deadline=None)
def test_any_status_and_body_have_a_name(body, status, pause):
    error = error_of_status(status, {"retry-after": pause}, body, NAME)
    assert isinstance(error, EngineError)
    assert error.retry_after is None or error.retry_after >= 0
    with contextlib.suppress(EngineError):
        json_of(body)
