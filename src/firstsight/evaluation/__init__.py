"""Published protocols, intervals and calibration."""

from firstsight.evaluation.bootstrap import Measure
from firstsight.evaluation.calibrating import calibrate
from firstsight.evaluation.protocols import PROTOCOLS, evaluate
from firstsight.evaluation.protocols.folds import evaluate_folds
from firstsight.evaluation.result import Result

__all__ = ["PROTOCOLS", "Measure", "Result", "calibrate", "evaluate", "evaluate_folds"]
