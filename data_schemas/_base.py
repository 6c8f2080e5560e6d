"""The base of every value that travels between rooms."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value object; unknown fields are refused, so a drifted producer fails loudly."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
