"""Whom the company's sign-in lets in, and where: decided by us from a verified ID token, before any session begins.

The e-mail must be verified by the provider. A local account of that address is linked only by its owner (signed in,
from the page of sign-ins), or where the provider is configured as trusted. Somebody new becomes a member only where
a group of theirs is on a workspace's list, and stops to be one at the next sign-in without that group.
"""

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.crypto import constant_time_compare

from signin import fresh, groups, records
from tenants import addresses, queries
from tenants.models import User


class Refusal(Exception):
    """Why the company's sign-in does not let this person in, in words for the person."""


class Company(DefaultSocialAccountAdapter):
    def list_apps(self, request: Any, provider: Any = None, client_id: Any = None) -> list[Any]:
        """Providers come from the settings alone; no query asks for others."""
        from allauth.socialaccount.adapter import _build_apps_from_settings

        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False  # people are made in `groups`, before allauth would ask

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        try:
            claims = _claims(sociallogin)
            fresh.note_company_proof(request, claims)
            if sociallogin.state.get("process") == AuthProcess.CONNECT:
                return  # the owner, signed in and just asked again
            _let_in(request, sociallogin, claims)
        except Refusal as refusal:
            records.log.info("the company's sign-in let somebody not in")
            page = render(request, "signin/company_refused.html", {"reason": str(refusal)}, status=403)
            raise ImmediateHttpResponse(page) from refusal

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: Any,
        error: Any = None,
        exception: Any = None,
        extra_context: Any = None,
    ) -> None:
        """One page for every failure; the reason is for the server's log."""
        records.log.warning("the company's sign-in failed: %s", exception or error)
        page = render(request, "signin/company_failed.html", {"provider": provider}, status=403)
        raise ImmediateHttpResponse(page)


def _claims(sociallogin: Any) -> dict[str, Any]:
    claims: dict[str, Any] = sociallogin.account.extra_data["id_token"]
    begun_with = str(sociallogin.state.get("nonce", ""))
    if not begun_with or not constant_time_compare(str(claims.get("nonce", "")), begun_with):
        raise Refusal("This answer belongs to another sign-in. Begin again.")
    asked_at = sociallogin.state.get("asked_at")
    if asked_at is not None and fresh.proved_at(claims) < asked_at - fresh.LEEWAY:
        raise Refusal(
            "Your company's sign-in did not ask you again, or does not say when it did. Try once more; if it stays "
            "so, ask your administrator to let it send “auth_time”."
        )
    return claims


def _let_in(request: HttpRequest, sociallogin: Any, claims: dict[str, Any]) -> None:
    """Membership by groups, then the link between the person here and there."""
    company = settings.SIGNIN_OIDC
    theirs = _groups(claims, company["groups_claim"])
    user = sociallogin.user if sociallogin.is_existing else _known(claims, company, theirs)
    if user is None:
        user = groups.admit(
            _email(claims), provider=company["id"], groups=theirs, name=str(claims.get("name", ""))[:200]
        )
        if user is None:
            raise Refusal("None of your groups opens a workspace here. Ask your administrator.")
    else:
        groups.follow(user, provider=company["id"], groups=theirs)
    if not sociallogin.is_existing:
        sociallogin.connect(request, user)


def _known(claims: dict[str, Any], company: dict[str, Any], theirs: list[str]) -> User | None:
    """The local account of that address, if linking to it is allowed; None where there is none."""
    user = queries.user_by_email(_email(claims))
    if user is None:
        return None
    if not user.is_active or user.is_superuser:
        raise Refusal("This account cannot sign in here. Ask your administrator.")
    if not company["trusted"]:
        raise Refusal(
            "There is an account with your address already. Sign in to it the usual way first, "
            "then connect the company sign-in under “Sign-in and browsers”."
        )
    if not groups.may_be_linked(user, provider=company["id"], groups=theirs):
        records.log.warning("the company's sign-in was not linked: another organisation knows the account")
        raise Refusal(
            "Your address belongs to another organisation here. Ask whoever runs this installation to let you in."
        )
    return user


def _email(claims: dict[str, Any]) -> str:
    email = claims.get("email")
    if not isinstance(email, str) or claims.get("email_verified") is not True:
        raise Refusal("Your company's sign-in has not verified your e-mail address.")
    try:
        validate_email(email)
    except ValidationError:
        raise Refusal("Your company's sign-in sent no usable e-mail address.") from None
    if not addresses.is_usable(email):  # it would sign in as another, or as a stand-in
        raise Refusal("Your company's sign-in sent no usable e-mail address.")
    return email.strip().lower()


def _groups(claims: dict[str, Any], name: str) -> list[str]:
    said = claims.get(name, [])
    said = [said] if isinstance(said, str) else said
    return [each for each in said if isinstance(each, str)][:1000] if isinstance(said, list) else []
