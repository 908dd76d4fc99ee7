"""From a picture to faces, and from a face to the aligned crop that a model wants."""

from firstsight.faces.alignment import align, similarity_transform
from firstsight.faces.detector import Detector
from firstsight.faces.face import Box, Face, middle_face

__all__ = ["Box", "Detector", "Face", "align", "middle_face", "similarity_transform"]
