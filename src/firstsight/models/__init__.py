"""Models: weights with their preprocessing, calibration and card."""

from firstsight.models.calibration import Calibration, OperatingPoint
from firstsight.models.card import Card
from firstsight.models.model import Model
from firstsight.models.preprocessing import Preprocessing
from firstsight.models.published import Published
from firstsight.models.registry import DEFAULT, MODELS, PUBLISHED, find_model, open_model

__all__ = [
    "DEFAULT",
    "MODELS",
    "PUBLISHED",
    "Calibration",
    "Card",
    "Model",
    "OperatingPoint",
    "Preprocessing",
    "Published",
    "find_model",
    "open_model",
]
