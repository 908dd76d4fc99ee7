"""Published protocols, intervals and calibration."""

from firstsight.evaluation.bootstrap import Measure
from firstsight.evaluation.calibrating import calibrate
from firstsight.evaluation.protocols import PROTOCOLS, evaluate
from firstsight.evaluation.result import Result, write_text

__all__ = ["PROTOCOLS", "Measure", "Result", "calibrate", "evaluate", "write_text"]
