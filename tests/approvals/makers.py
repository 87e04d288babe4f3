"""A real request of the product's own kind, for tests that need the whole way from a play."""

from tests.worlds import World

_digests: dict[str, str] = {}


def a_request(world: World) -> dict[str, str]:
    """A concession that the world's `csm` asked for. Its ref is not one that the other world has."""
    from playbooks.models import PlayStep
    from tests.permission_table import a_concession
    from tests.playbooks import makers

    if world.tenant.slug != "acme":
        _one_before(world)
    step = PlayStep.objects.get(pk=a_concession(world)["step_id"])
    makers.ask(world, step, version=step.version)
    request = makers.request_of(world, PlayStep.objects.get(pk=step.pk))
    _digests[request.ref] = request.digest
    return {"ref": request.ref}


def an_approval(made: dict[str, str]) -> dict[str, str]:
    """What the form sends back."""
    return {"verdict": "approved", "digest": _digests[made["ref"]]}


def _one_before(world: World) -> None:
    """Refs are counted a tenant: without this both worlds would have an A-1001."""
    from approvals import services

    services.request_approval(
        world.tenant,
        kind="concession",
        title="Another",
        why="",
        subject_type="test",
        subject_id="before",
        payload={},
        facts={},
        by=world.actor("csm"),
    )
