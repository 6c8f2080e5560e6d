"""The pictures: well-formed, without anything from outside, the same each time, and apart on one page."""

import re
from xml.etree import ElementTree as Xml

import pytest

from eval.robustness import choose, family_plot, family_plots, variant_plot
from eval.robustness.outcome import share
from eval.suite.result import VariantResult


@pytest.fixture(scope="module")
def results():
    found = share([True] * 3 + [False] * 17)
    return [
        VariantResult(
            variant=variant.name, family=variant.family, wanted=variant.wanted, row=row, cases=20, changed=found,
            less_urgent=found, more_urgent=found, by={arm.name: found for arm in variant.arms},
            by_less_urgent={arm.name: found for arm in variant.arms},
        )
        for row in ("rules", "slm", "agent")
        for variant in choose()
    ]  # fmt: skip


def test_every_variant_and_row_is_named(results):
    svg = variant_plot(results)
    text = " ".join(Xml.fromstring(svg).itertext())
    assert svg.startswith("<svg")
    assert svg.endswith("</svg>")
    for word in (
        *(variant.name for variant in choose()),
        "rules",
        "slm",
        "agent",
        "less urgent",
        "level changed",
    ):
        assert word in text


def test_every_family_has_a_picture_of_its_arms(results):
    pictures = family_plots(results)
    assert set(pictures) == {variant.family for variant in choose()}
    for family, svg in pictures.items():
        text = " ".join(Xml.fromstring(svg).itertext())
        for variant in choose([family]):
            assert all(arm.name in text for arm in variant.arms)
    assert "typing errors in every started 20 words" in pictures["typing"]


def test_pictures_need_nothing_from_outside_and_are_the_same_each_time(results):
    svg = variant_plot(results)
    assert svg == variant_plot(results)
    addresses = set(re.findall(r'(?:href="|src="|url\()([^")]+)', svg))
    assert addresses
    assert all(address.startswith("#") for address in addresses)
    assert "<script" not in svg


def test_ids_of_two_pictures_on_a_page_do_not_meet(results):
    used = [
        set(re.findall(r"url\(#([^)]+)\)", svg))
        for svg in (variant_plot(results), *family_plots(results).values())
    ]
    assert all(used)
    assert sum(map(len, used)) == len(set().union(*used))


def test_what_has_no_value_is_left_out_and_no_result_is_no_picture(results):
    none = results[0].model_copy(update={"changed": share([]), "less_urgent": share([]), "by": {}})
    assert Xml.fromstring(variant_plot([none])) is not None
    assert variant_plot([]) == family_plot([none], none.family) == family_plot([], "typing") == ""
