"""A request that takes as long as the test wants."""

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from tests.faults.kinds import signals
from tests.faults.ledger import note


@transaction.non_atomic_requests
@login_not_required
def slow(request: HttpRequest) -> HttpResponse:
    mark = request.GET["mark"]
    note("request", mark=mark)
    signals.wait_for(mark)
    note("answered", mark=mark)
    return HttpResponse("done\n", content_type="text/plain")


slow.tenant_exempt = "a test's page"
