"""allauth's OpenID Connect with the checks that it leaves to the transport: signature, issuer, nonce.

Every ID token is verified with the provider's published keys, by an asymmetric algorithm of a fixed list, for us as
its audience, from the very issuer that is configured, and with the nonce that this browser's sign-in began with.
"""

import secrets
import time
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.http import HttpRequest

from signin.fresh import LEEWAY

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
NEEDED = {"authorization_endpoint", "token_endpoint", "jwks_uri"}


class CheckedAdapter(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    @property
    def openid_config(self) -> dict[str, Any]:
        config: dict[str, Any] = super().openid_config
        wanted = self.get_provider().app.settings["server_url"]
        if str(config.get("issuer", "")).rstrip("/") != wanted.rstrip("/"):
            raise OAuth2Error("the provider calls itself by another name than the configured one")
        if not config.keys() >= NEEDED:
            raise OAuth2Error("the provider's description lacks an address that we need")
        return config

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **rest: Any) -> Any:
        """The ID token alone says who it is; what the user-info page says is signed by nobody."""
        said = rest["response"].get("id_token")
        if not isinstance(said, str):
            raise OAuth2Error("the provider sent no ID token")
        claims = verified_claims(
            said, keys=self._published_keys(), issuer=self.openid_config["issuer"], audience=app.client_id
        )
        return self.get_provider().sociallogin_from_response(request, {"id_token": _kept(app, claims)})

    def _published_keys(self) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            found: dict[str, Any] = answer.json()
            return found


def _kept(app: Any, claims: dict[str, Any]) -> dict[str, Any]:
    """What is stored of a person's claims: no more than is used."""
    groups = app.settings.get("groups_claim", "groups")
    used = {"sub", "email", "email_verified", "name", "nonce", "auth_time", groups}
    return {name: value for name, value in claims.items() if name in used}


def verified_claims(token: str, *, keys: dict[str, Any], issuer: str, audience: str) -> dict[str, Any]:
    """What a good ID token says; raises OAuth2Error for any other."""
    try:
        header = jwt.get_unverified_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise OAuth2Error("the ID token is signed in a way that we do not take")
        key = _key_for(header, keys)
        claims: dict[str, Any] = jwt.decode(
            token, key=key, algorithms=ALGORITHMS, audience=audience, issuer=issuer, leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub", "nonce"]},
        )  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise OAuth2Error("the ID token does not hold") from error
    if claims.get("azp", audience) != audience:
        raise OAuth2Error("the ID token was made for another application")
    return claims


def _key_for(header: dict[str, Any], keys: dict[str, Any]) -> Any:
    """The published key that the token names; the only one where the token names none."""
    found = [
        key for key in jwt.PyJWKSet.from_dict(keys).keys
        if key.public_key_use in (None, "sig") and header.get("kid") in (None, key.key_id)
    ]  # fmt: skip
    if len(found) != 1:
        raise OAuth2Error("the ID token names a key that the provider does not publish")
    return found[0]


class CheckedProvider(OpenIDConnectProvider):  # type: ignore[misc]
    oauth2_adapter_class = CheckedAdapter
    pkce_enabled_default = True

    @classmethod
    def get_package(cls) -> str:
        return "signin.oidc"

    def get_redirect_from_request_kwargs(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing of the request chooses scopes or parameters. The nonce stays with the state, in the session, as does
        when somebody signed in was asked again: the ID token has to say that they proved it since (company.py)."""
        nonce = secrets.token_urlsafe(24)
        parameters: dict[str, Any] = {**self.get_auth_params(), "nonce": nonce}
        asked_at = None
        if request.user.is_authenticated:  # asked again: the provider must ask too, not remember
            parameters |= {"prompt": "login", "max_age": "0"}
            asked_at = time.time()
        wanted: dict[str, Any] = super().get_redirect_from_request_kwargs(request)
        kept = {"nonce": nonce, "asked_at": asked_at}
        return {**wanted, **kept, "scope": self.get_scope(), "auth_params": parameters}


provider_classes = [CheckedProvider]
