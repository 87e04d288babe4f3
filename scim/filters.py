"""The filters that identity providers send: one comparison for equality. Anything else is refused in words."""

import json
import re
from dataclasses import dataclass

from scim.exceptions import ScimError

_SHAPE = re.compile(
    r"""\s*(?:urn:[\w:.]+:(?:User|Group):)?
        (?P<attribute>[A-Za-z]\w{0,40}(?:\[\s*type\s+eq\s+"\w{1,20}"\s*\])?(?:\.\w{1,40})?)
        \s+(?P<operator>\w{2})\s+
        (?P<value>"(?:[^"\\]|\\.)*"|true|false|\d{1,18})\s*""",
    re.VERBOSE | re.IGNORECASE,
)
LONGEST = 1000


@dataclass(frozen=True)
class Equals:
    """`attribute`, in lower case and without its [type eq …], is `value`."""

    attribute: str
    value: str


def parse(text: str) -> Equals | None:
    """The comparison, or None for no filter. Raises ScimError invalidFilter."""
    if not text.strip():
        return None
    found = _SHAPE.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        raise _refused('Use one comparison, such as userName eq "ada@example.com".')
    if found["operator"].lower() != "eq":
        raise _refused("Of the comparisons only eq is known.")
    attribute = re.sub(r"\[.*\]", "", found["attribute"]).lower()
    value = found["value"]
    if value.startswith('"'):
        try:
            value = json.loads(value)
        except ValueError:
            raise _refused("The text after eq cannot be read.") from None
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise _refused("The text after eq holds what is no character.")
    return Equals(attribute, value)


def _refused(why: str) -> ScimError:
    return ScimError(400, f"The filter is not understood. {why}", scim_type="invalidFilter")


def unknown(attribute: str, known: list[str]) -> ScimError:
    return _refused(f"{attribute} cannot be asked for; {', '.join(known)} can.")
