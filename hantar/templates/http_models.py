"""A template as programs name it, and as they are told of it."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from hantar.kit import inputs
from hantar.templates import model

_NOT_ALLOWED = re.compile(r"[\n\r\t]| {5,}")


def _one_line(given: str) -> str:
    if not given.strip() or _NOT_ALLOWED.search(given):
        words = "Write something in one line, without tabs and without more than four spaces in a row."
        raise PydanticCustomError("invalid_parameter", words)
    return given


Parameter = Annotated[str, Field(max_length=model.LONGEST_PARAMETER), AfterValidator(_one_line)]


class TemplateIn(inputs.In):
    """An approved template by name and language, with the words for the places of its body in their order."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    language: Annotated[str, Field(min_length=1, max_length=20)]
    parameters: Annotated[list[Parameter], Field(max_length=model.MOST_PARAMETERS)] = Field(default_factory=list)


class TemplateOut(BaseModel):
    """A template of a number, as it was last read from the service."""

    name: str
    language: str
    category: str
    status: str
    body: str
    places: int = Field(description="So many parameters a message needs.")
    header: Literal["", "image", "video", "document"] = Field(description="The kind of file it begins with; empty: none.")
    quality: str
    why: str = Field(description="What the service said about its status.")
    is_sendable: bool
    cannot: str = Field(description="Why Hantar cannot fill it; empty when it can.")
    changed_at: datetime
    synced_at: datetime


def template_out(each: model.Template) -> TemplateOut:
    """A template in the words of the API."""
    return TemplateOut.model_validate(each, from_attributes=True)
