"""Thresholds that lie in a file of their own, given to the model that they were computed for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from firstsight.errors import NotCalibrated, UsageError
from firstsight.models.calibration import Calibration
from firstsight.models.model import Model
from firstsight.models.preprocessing import options


def with_calibration(model: Model, path: Path) -> Model:
    """The model with the thresholds that ``firstsight calibrate`` wrote to a file.

    Args:
        model: with the views that it is to have.
        path: the JSON.

    Raises:
        UsageError: it is no calibration, or one of another model or of other views.
    """
    try:
        found = Calibration.from_json(path.read_text("utf-8"))
    except (OSError, ValueError, NotCalibrated) as error:
        raise UsageError(
            f"{path} cannot be read as a calibration ({error}).",
            hint="Name the JSON that `firstsight calibrate` wrote.",
        ) from error
    made = found.provenance
    looks = model.preprocessing.looks
    hint = f"Make its own: `firstsight calibrate MODEL --data FOLDER {looks}".rstrip() + "`."
    if made.get("model_digest") != model.digest:
        raise UsageError(
            f"{path} was made for {made.get('model', 'another model')} with weights "
            f"{str(made.get('model_digest', 'unknown'))[:12]}, not for {model.name} with weights "
            f"{model.digest[:12]}.",
            hint=hint,
        )
    if not found.made_for(model.preprocessing):
        given = options(made.get("mirrored"), made.get("shifted"))
        # Where the options agree, it is the crop or its range of numbers that is another.
        asked = looks or "none"
        views = ("another crop", "its own") if given == looks else (given or "no further views", asked)
        raise UsageError(
            f"{path} was made for {model.name} with {views[0]}, not with {views[1]}: "
            "its scores are others then.",
            hint=hint,
        )
    return replace(model, calibration=found)
