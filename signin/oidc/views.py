"""The way to the company's provider and back, with our checks."""

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.helpers import render_authentication_error
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView, OAuth2LoginView
from django.http import Http404, HttpRequest, HttpResponse
from requests import RequestException

from signin.oidc.provider import CheckedAdapter


@login_not_required  # type: ignore[untyped-decorator]
def login(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _run(request, provider_id, OAuth2LoginView)


@login_not_required  # type: ignore[untyped-decorator]
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    return _run(request, provider_id, OAuth2CallbackView)


def _run(
    request: HttpRequest, provider_id: str, view: type[OAuth2LoginView | OAuth2CallbackView]
) -> HttpResponse:
    """A provider that does not answer, or answers nonsense, is an error page and never a failure of ours."""
    adapter = CheckedAdapter(request, provider_id)
    try:
        answer: HttpResponse = view.adapter_view(adapter)(request)
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except (OAuth2Error, RequestException) as error:
        answer = render_authentication_error(request, adapter.get_provider(), exception=error)
    return answer
