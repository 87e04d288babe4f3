"""J35 in a real browser: an admin erases a customer's person; afterwards nobody finds them, and the log verifies."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]
PATIENCE = 90_000

# a person with a name that stands nowhere else, in a note and a ticket too
PLANT = """
import json
from django.utils import timezone
from tenants.models import Tenant
from tenants.scoping import tenant_transaction
from accounts.models import Account, Contact, Note, Ticket
tenant = Tenant.objects.get(slug='demo')
with tenant_transaction(tenant.pk):
    account = Account.objects.for_tenant(tenant).exclude(customer_since=None).order_by('pk').first()
    mine = {'tenant': tenant, 'account': account}
    person = Contact.objects.create(**mine, external_id='J35', name='Zebulon Quist', email='zq@quist.example',
                                    role='champion')
    Note.objects.create(**mine, text='Zebulon Quist called. Zebulon is leaving.', author_label='csm')
    Ticket.objects.create(**mine, external_id='J35', opened_at=timezone.now(), subject='Zebulon Quist locked out')
    print(json.dumps({'account': account.pk, 'person': person.pk}))
"""


def test_a_person_is_erased_and_found_nowhere(app, sign_in):
    done = app.manage("shell", "-v", "0", "-c", PLANT)
    assert done.returncode == 0, done.stderr[-2000:]
    made = json.loads(done.stdout.splitlines()[-1])
    page = sign_in("ops_admin")
    page.set_default_timeout(PATIENCE)

    page.goto(app.url(f"accounts/{made['account']}/?panels=all"))
    people = page.locator("#panel-people")
    expect(people).to_contain_text("Zebulon Quist")
    expect(page.locator("#panel-notes")).to_contain_text("Zebulon Quist called")
    people.locator(f"a[href$='/people/{made['person']}/erase/']").click()
    expect(page.locator("h1")).to_have_text("Erase a person")
    expect(page.locator("main")).to_contain_text("Tickets")

    page.fill("input[name=typed]", "Somebody Else")
    page.get_by_role("button", name="Erase this person").click()
    expect(page.locator("main")).to_contain_text("This is another name")
    page.fill("input[name=typed]", "Zebulon Quist")
    page.get_by_role("button", name="Erase this person").click()
    page.wait_for_url(f"**/accounts/{made['account']}/")
    expect(page.locator("#toasts")).to_contain_text("Erased.")

    for path in (f"accounts/{made['account']}/?panels=all", "audit/", "queue/?view=all"):
        page.goto(app.url(path))
        assert "Zebulon" not in page.content(), path
    page.goto(app.url(f"accounts/{made['account']}/?panels=all"))
    expect(page.locator("#panel-notes")).to_contain_text("[erased] called. [erased] is leaving.")
    page.goto(app.url("search/?q=zebulon"))
    assert page.locator("main a[href*='/accounts/']").count() == 0
    page.goto(app.url("audit/"))
    expect(page.locator("main")).to_contain_text("accounts.person_erased")

    verified = app.manage("audit_verify", "--tenant", "demo")
    assert verified.returncode == 0, verified.stdout + verified.stderr
