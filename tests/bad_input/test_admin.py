"""The admin's addresses under the same bad input: ids that are none, and anything in every query and form field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.admin import site
from tests.bad_input import ground as g
from tests.bad_input import nasty
from tests.bad_input.conftest import EXAMPLES
from tests.bad_input.test_ids import ODD_IDS
from tests.bad_input.test_queries import FORM, encoded

pytestmark = [pytest.mark.bad_input, pytest.mark.xdist_group("bad_input_admin")]

MODELS = sorted(site._registry, key=lambda model: model._meta.label)
PAGES = ("", "add/", "{}/", "{}/change/", "{}/delete/", "{}/history/")
OWN = (
    "q",
    "o",
    "p",
    "all",
    "e",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "_save",
    "action",
    "select_across",
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_anything_at_every_page_of_a_model(model, ground):
    """Inputs 2, 3, 10 to 21 and 23: an answer below 500, and no row of another tenant is touched or named."""
    acme, globex = ground
    client = g.sign_in(acme.ops_admin)
    client.post("/admin/acting-tenant/", {"slug": "acme"})
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    names = sorted({*OWN, *(field.name for field in model._meta.concrete_fields)})
    assert client.get(base).status_code == 200
    before = g.picture(globex)

    @EXAMPLES
    @given(
        page=st.sampled_from(PAGES),
        odd=ODD_IDS,
        sent=st.dictionaries(st.sampled_from(names), nasty.anything, max_size=6),
        writes=st.booleans(),
    )
    def ask(page, odd, sent, writes):
        url, text = base + page.format(g.raw(odd)), encoded(sent.items())
        answer = g.rolled_back(
            lambda: client.post(url, text, content_type=FORM) if writes else client.get(f"{url}?{text}")
        )
        assert answer.status_code < 500, (url, g.why(answer))
        assert b"globex" not in answer.content, url

    ask()
    assert g.picture(globex) == before
