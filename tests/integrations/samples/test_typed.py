"""A second reader that is not ours: every sample parses into typed R4B models."""

import pytest
from fhir.resources.R4B.bundle import Bundle

from integrations.samples import samples


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.id)
def test_every_sample_parses_into_typed_resources(sample):
    bundle = Bundle.model_validate_json(sample.raw())
    kinds = {entry.resource.get_resource_type() for entry in bundle.entry}
    assert {"Patient", "Encounter"} <= kinds
