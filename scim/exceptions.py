"""What a SCIM call is refused with: the status, the protocol's word for it, and a sentence."""


class ScimError(Exception):
    """RFC 7644, 3.12."""

    def __init__(self, status: int, detail: str, *, scim_type: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.scim_type = status, detail, scim_type


def bad_value(detail: str) -> ScimError:
    return ScimError(400, detail, scim_type="invalidValue")


def bad_path(detail: str) -> ScimError:
    return ScimError(400, detail, scim_type="invalidPath")


def not_unique(detail: str) -> ScimError:
    return ScimError(409, detail, scim_type="uniqueness")


def forbidden(detail: str) -> ScimError:
    return ScimError(403, detail)


def not_found(what: str, id_: str) -> ScimError:
    return ScimError(404, f"There is no {what} {id_[:40]!r} here.")
