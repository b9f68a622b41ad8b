"""The demo's paths, asserted."""

import pytest

from bed.demo.scenes import SCENES, Scene
from bed.demo.stage import Stage
from bed.demo.timeline import Timeline


@pytest.mark.parametrize("scene", SCENES.values(), ids=lambda scene: scene.__name__)
def test_the_scene_ends_as_it_should(a_stage: Stage, scene: Scene) -> None:
    assert scene(a_stage, Timeline()), "the lines above that say NOT"
