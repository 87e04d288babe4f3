"""From a PUT or PATCH, in the shapes that identity providers send, to what shall be different. No table is touched.

Okta sends no path and an object; Entra sends paths, capital letters in `op`, and "False" as a text. Both are read here,
so that services know one form only.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from scim.exceptions import ScimError, bad_path, bad_value
from scim.resources import GROUP, USER

LONGEST_NAME = 200
MOST_OPERATIONS = 1000
MOST_MEMBERS = 10_000
# core attributes that have no place here: taken and left, because providers send what they have
IGNORED = {
    "password", "title", "locale", "timezone", "preferredlanguage", "nickname", "profileurl", "usertype", "addresses",
    "phonenumbers", "ims", "photos", "entitlements", "roles", "x509certificates", "id", "schemas", "meta", "groups",
    "name.middlename", "name.honorificprefix", "name.honorificsuffix",
}  # fmt: skip
_EXTENSION = "urn:ietf:params:scim:schemas:extension:"
_EMAIL_PATH = re.compile(r"emails(\[[^\]]*\])?(\.value)?")
_MEMBER_PATH = re.compile(r'members\[\s*value\s+eq\s+"([^"]{1,40})"\s*\]', re.IGNORECASE)


@dataclass
class UserChange:
    """What is wanted of a person; None leaves it as it is."""

    email: str | None = None
    active: bool | None = None
    external_id: str | None = None
    formatted: str | None = None
    given: str | None = None
    family: str | None = None

    def name_from(self, current: str) -> str:
        """The name after the change."""
        if self.given is not None or self.family is not None:
            old_given, _, old_family = current.rpartition(" ")
            given = old_given if self.given is None else self.given
            family = old_family if self.family is None else self.family
            return f"{given} {family}".strip()
        return self.formatted if self.formatted is not None else current


@dataclass
class GroupChange:
    """What is wanted of a group. `members` replaces them all, before anything is added or taken away."""

    display_name: str | None = None
    external_id: str | None = None
    members: set[str] | None = None
    steps: list[tuple[str, set[str]]] = field(default_factory=list)  # ("add" | "remove", ids), in their order


# --- people --------------------------------------------------------------------------------------


def change_of_user(operations: list[tuple[str, str | None, Any]]) -> UserChange:
    change = UserChange()
    for op, path, value in operations:
        if path:
            _set(change, path, None if op == "remove" else value)
        elif isinstance(value, dict):
            for name, each in value.items():
                _set(change, str(name), each)
        else:
            raise bad_value("An operation without a path needs an object as its value.")
    return change


def user_from(body: dict[str, Any]) -> UserChange:
    """What a whole resource says: POST and PUT."""
    change = UserChange()
    for name, value in body.items():
        if value is not None:
            _set(change, str(name), value)
    return change


def _set(change: UserChange, path: str, value: Any) -> None:
    name = _plain(path, USER)
    if name.startswith(_EXTENSION) or name in IGNORED:
        return
    if name == "active":
        change.active = _boolean(value)
    elif name == "username" or _EMAIL_PATH.fullmatch(name):
        _set_email(change, name, value)
    elif name == "externalid":
        change.external_id = _text("externalId", value)
    elif name == "name":
        _set_name(change, value)
    elif name in ("name.formatted", "displayname"):
        change.formatted = _text(path, value)
    elif name == "name.givenname":
        change.given = _text(path, value)
    elif name == "name.familyname":
        change.family = _text(path, value)
    else:
        raise bad_path(f"There is no attribute {path[:60]!r} here.")


def _set_email(change: UserChange, name: str, value: Any) -> None:
    """The userName is the address that counts; an e-mail beside it is the same or is left alone."""
    if name == "username":
        change.email = _text("userName", value)
        if not change.email:
            raise bad_value("userName must be an e-mail address.")
    elif not isinstance(value, str | list | dict | None):
        raise bad_value("emails must be a list.")


def _set_name(change: UserChange, value: Any) -> None:
    if not isinstance(value, dict):
        raise bad_value("name must be an object.")
    for part, text in value.items():
        if text is not None:
            _set(change, f"name.{part}", text)


# --- groups --------------------------------------------------------------------------------------


def change_of_group(operations: list[tuple[str, str | None, Any]]) -> GroupChange:
    change = GroupChange()
    for op, path, value in operations:
        if path:
            _change_group(change, op, path, value)
        elif isinstance(value, dict):
            for name, each in value.items():
                _change_group(change, op, str(name), each)
        else:
            raise bad_value("An operation without a path needs an object as its value.")
    return change


def group_from(body: dict[str, Any]) -> GroupChange:
    """What a whole resource says: POST and PUT, where absent members are none."""
    change = GroupChange(members=set())
    for name, value in body.items():
        if value is not None:
            _change_group(change, "replace", str(name), value)
    return change


def _change_group(change: GroupChange, op: str, path: str, value: Any) -> None:
    one = _MEMBER_PATH.fullmatch(_without_schema(path, GROUP))
    name = _plain(path, GROUP)
    if one is not None and op == "remove":
        change.steps.append(("remove", {one[1]}))
    elif name == "members":
        _change_members(change, op, value)
    elif name == "displayname" and op != "remove":
        change.display_name = _text("displayName", value)
    elif name == "externalid":
        change.external_id = "" if op == "remove" else _text("externalId", value)
    elif name not in IGNORED and not name.startswith(_EXTENSION):
        raise bad_path(f"A group has no attribute {path[:60]!r} that can be changed so.")


def _change_members(change: GroupChange, op: str, value: Any) -> None:
    if op == "add":
        change.steps.append(("add", _members(value)))
    elif op == "remove" and value:
        change.steps.append(("remove", _members(value)))
    else:  # replace, and remove without saying whom
        change.members = set() if op == "remove" else _members(value)
        change.steps = []


def _members(value: Any) -> set[str]:
    rows = value if isinstance(value, list) else [value]
    if len(rows) > MOST_MEMBERS:
        raise ScimError(413, f"Send at most {MOST_MEMBERS:,} members at a time.")
    if not all(isinstance(each, dict) and isinstance(each.get("value"), str | int) for each in rows):
        raise bad_value("members must be a list of objects with a value, the id of a user.")
    return {str(each["value"])[:40] for each in rows}


# --- values --------------------------------------------------------------------------------------


def _without_schema(path: str, schema: str) -> str:
    return path[len(schema) + 1 :] if path.lower().startswith(f"{schema}:".lower()) else path


def _plain(path: str, schema: str) -> str:
    if len(path) > 300:
        raise bad_path("The path is too long.")
    return _without_schema(path.strip(), schema).lower()


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad_value(f"{name[:60]} must be a text.")
    text = value.strip()
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise bad_value(f"{name[:60]} must be plain text of at most {LONGEST_NAME} characters.")
    return text


def _boolean(value: Any) -> bool:
    """Also as a text, and inside of a list with one object, as some providers write it."""
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        value = value[0].get("value")
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if isinstance(value, bool):
        return value
    raise bad_value("active must be true or false.")
