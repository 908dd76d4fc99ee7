"""Pure torch: towers that embed, heads that compare. Shapes in, shapes out."""

from firstsight.twins.dlib_resnet import DlibTower
from firstsight.twins.heads import cosine, unit
from firstsight.twins.sface import SFaceTower

__all__ = ["DlibTower", "SFaceTower", "cosine", "unit"]
