"""What requests and replies about credentials hold."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from hantar.devices import kinds, numbers, words
from hantar.gateways.credentials import NO_LIMIT
from hantar.kit import inputs


class CredentialsIn(inputs.In):
    """What a number of the Cloud API needs; the token is never shown again."""

    number_id: Annotated[str | None, Field(max_length=100, description="The id of the number at the service, digits only.")] = (
        None
    )
    token: Annotated[str | None, Field(max_length=4096, repr=False, json_schema_extra={"writeOnly": True})] = None
    business_id: Annotated[str | None, Field(max_length=100, description="The business account it belongs to.")] = None

    def given(self) -> kinds.Given:
        """As the service takes them."""
        return kinds.Given(self.number_id, self.token, self.business_id)


class NumberOut(BaseModel):
    """What WhatsApp's service says about a number that was set up by credentials."""

    number_id: str
    business_id: str | None
    name: str = Field(description="The name people see.")
    quality: Literal["green", "yellow", "red", "unknown"] = Field(description="How people take what it sends.")
    quality_words: str
    tier: int | None = Field(description="People it may begin to write to within 24 hours; null: not known.")
    has_no_limit: bool = Field(description="The service sets no limit of people; `tier` is null then.")
    checked_at: datetime


def number_out(found: numbers.Number) -> NumberOut:
    """A number as the API shows it."""
    return NumberOut(
        number_id=found.number_id,
        business_id=found.business_id,
        name=found.name,
        quality=found.quality.value,
        quality_words=words.QUALITIES[found.quality],
        tier=None if found.tier == NO_LIMIT else found.tier,
        has_no_limit=found.tier == NO_LIMIT,
        checked_at=found.checked_at,
    )
