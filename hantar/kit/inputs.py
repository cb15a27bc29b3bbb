"""Bodies of requests: unknown fields are ignored and named, old names are understood, impossible characters refused."""

import contextvars
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

Day = Annotated[date, Field(ge=date(2000, 1, 1), le=date(2199, 12, 31))]
"""A day that people may mean; every zone has an instant for its bounds."""

ignored: contextvars.ContextVar[set[str] | None] = contextvars.ContextVar("ignored", default=None)
"""Names of fields nobody read in this request; `web` puts them into the header `X-Ignored-Fields`."""

OLD_NAMES = {
    "fullname": "full_name",
    "deviceId": "device_id",
    "chatId": "chat_id",
    "imageUrl": "image_url",
    "media_url": "image_url",
    "journey": "additional_note",
}
"""Names that old clients use (api.md 1.1); the new name wins when both are there."""


class In(BaseModel):
    """What bodies of requests inherit from."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _understand(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = _names(cls)
        read = {new: data[old] for old, new in OLD_NAMES.items() if old in data and old not in known and new in known}
        read |= {name: value for name, value in data.items() if name in known}
        strange = ignored.get()
        if strange is not None:
            strange.update(str(name) for name in data if name not in known and OLD_NAMES.get(str(name)) not in known)
        for text in _texts(read):
            if "\x00" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
                raise PydanticCustomError("bad_character", "The text holds a character that cannot be stored.")
        return read


def _names(model: type[BaseModel]) -> set[str]:
    aliases = {field.alias for field in model.model_fields.values() if field.alias}
    return set(model.model_fields) | aliases


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
