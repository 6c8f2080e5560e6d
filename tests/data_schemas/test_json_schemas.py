import jsonschema
import pytest

from data_schemas.json_schemas import FOLDER, PUBLISHED, rendered


def test_published_schemas_are_in_step_with_the_models():
    on_disk = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    assert on_disk == rendered(), "run: make schemas"


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_schema_is_a_valid_json_schema(name):
    jsonschema.Draft202012Validator.check_schema(PUBLISHED[name].model_json_schema(mode="serialization"))
