"""Enrol, identify, verify, classify, erase: faces, a model and a store put together."""

from firstsight.recognizer.answers import Candidate, Classification, Sighting, Verification
from firstsight.recognizer.comparing import FMR, classify, verify
from firstsight.recognizer.encoder import EncodedFace, Encoder
from firstsight.recognizer.recognizer import FPIR, Recognizer

__all__ = [
    "FMR",
    "FPIR",
    "Candidate",
    "Classification",
    "EncodedFace",
    "Encoder",
    "Recognizer",
    "Sighting",
    "Verification",
    "classify",
    "verify",
]
