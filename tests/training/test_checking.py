from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.trainings import tiny

from firstsight.errors import RecipeError
from firstsight.training.checking import CHOICES, LIMITS, POSITIVE
from firstsight.training.reading import read_recipe


@pytest.mark.parametrize("key", CHOICES)
def test_unknown_parts_are_refused_with_what_is_known(tmp_path: Path, key: str) -> None:
    value = "7" if isinstance(CHOICES[key][0], int) else "'other'"
    with pytest.raises(RecipeError) as caught:
        tiny(tmp_path, f"{key}={value}")
    assert key in caught.value.message
    assert all(str(choice) in caught.value.hint for choice in CHOICES[key])


@pytest.mark.parametrize("key", POSITIVE)
@pytest.mark.parametrize("value", [0, -1])
def test_counts_and_rates_are_above_0(tmp_path: Path, key: str, value: int) -> None:
    with pytest.raises(RecipeError, match=rf"^{key} is"):
        tiny(tmp_path, f"{key}={value}")


@pytest.mark.parametrize("key", LIMITS)
def test_values_out_of_range_are_refused(tmp_path: Path, key: str) -> None:
    least, most = LIMITS[key]
    for value, bound in ((least - 1, least), (most + 1, most)):
        if abs(bound) == float("inf"):
            continue
        with pytest.raises(RecipeError, match=rf"^{key} is") as caught:
            tiny(tmp_path, f"{key}={value}")
        assert str(bound) in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (("validation.ways=1",), "validation.ways"),
        (("sampler.identities=1",), "identities"),
        (("sampler.each=1",), "identities"),
        (("sampler.name=shuffled", "sampler.size=1"), "one picture"),
        (("sampler.name=shuffled", "loss.name=cross-entropy"), "needs pairs"),
        (("sampler.name=shuffled", "loss.name=triplet"), "needs pairs"),
        (("sampler.name=pairs", "loss.name=triplet"), "triplet"),
        (("loss.name=contrastive",), "contrastive works on distances"),
        (("loss.kind=angle", "head.name=weighted-l1"), "angle"),
        (("tower.name=koch",), "105"),
        (("tower.name=koch", "data.size=105"), "105"),
        (("tower.name=koch", "data.size=105", "data.channels=1"), "koch has no dropout"),
        (("sampler.name=pairs", "loss.name=cross-entropy", "data.turned=true"), "as they are"),
        (("sampler.name=pairs", "loss.name=cross-entropy", "data.mirrored=true"), "as they are"),
        (("schedule.patience=2", "validation.every=3"), "before the first"),
        (("data.mirrored=true", "augment.mirror=true"), "augment.mirror"),
        (("tower.widths=[8, 8]",), "differ in length"),
        (("tower.widths=[]", "tower.depths=[]"), "1 or more"),
        (("tower.widths=[0]",), "1 or more"),
        (("tower.depths=[0]",), "1 or more"),
        (("optimiser.layers.head={rate = 0.0, momentum = 0.5, decay = 0.1}",), "optimiser.layers.head"),
        (("optimiser.layers.head={rate = 0.1, momentum = 1.5, decay = 0.1}",), "optimiser.layers.head"),
        (("optimiser.layers.head={rate = 0.1, momentum = 0.5, decay = -0.1}",), "optimiser.layers.head"),
    ],
)
def test_what_no_run_could_do_is_refused_with_a_hint(
    tmp_path: Path, changes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        tiny(tmp_path, *changes)
    assert message in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        ("sampler.name=pairs", "sampler.size=1", "loss.name=cross-entropy"),
        ("loss.name=contrastive", "head.name=euclidean"),
        ("loss.kind=angle",),
        ("tower.name=koch", "tower.dropout=0", "data.size=105", "data.channels=1", "loss.name=cross-entropy"),
        ("schedule.patience=3", "validation.every=3"),
        ("data.mirrored=true",),
        ("augment.mirror=true",),
        ("schedule.patience=0", "validation.every=3"),
        ("sampler.name=shuffled", "sampler.size=2"),
    ],
)
def test_what_a_run_can_do_is_not(tmp_path: Path, changes: tuple[str, ...]) -> None:
    tiny(tmp_path, *changes)


@pytest.mark.parametrize("kind", ["rate", "momentum", "decay"])
def test_a_change_that_no_layer_heeds_is_refused(kind: str) -> None:
    """Even to a value that some layer has: it was meant to change something."""
    with pytest.raises(RecipeError, match=rf"optimiser\.{kind} would change nothing") as caught:
        read_recipe("omniglot-koch", [f"optimiser.{kind}=0.01"])
    assert f'optimiser.layers."tower.conv1".{kind}' in caught.value.hint
    # With centres to learn beside the layers, or with fewer of them, it counts.
    read_recipe("omniglot-koch", [f"optimiser.{kind}=0.01", "loss.name=margin-softmax"])
    read_recipe("omniglot-koch-he", [f"optimiser.{kind}=0.01"])
