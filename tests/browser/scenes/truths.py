"""J25: the small world of tests/scoring/quality, in which one CSM's overrides came true and another's did not.

csm said "worse" of five customers of group A, all of whom left; csm2 said "better" of the six of A that left.
"""

from typing import Any

from tests.browser.scenes.ground import a_world
from tests.scoring.quality import small_world

SLUG = "truths"


def build() -> dict[str, Any]:
    world = a_world(SLUG)
    accounts = small_world.build(world)
    for number in range(5):
        small_world.override(world, accounts[f"a{number}"])
    for number in range(6):
        small_world.override(world, accounts[f"a{number}"], role="csm2", health=90, model_health=40)
    return {"known": small_world.KNOWN}
