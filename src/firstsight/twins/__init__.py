"""Pure torch: towers that embed, heads that compare, losses that teach. Shapes in, shapes out."""

from firstsight.twins.dlib_resnet import DlibTower
from firstsight.twins.heads import Cosine, Euclidean, Head, WeightedL1, build_head, cosine, unit
from firstsight.twins.koch import KochTower
from firstsight.twins.losses import Contrastive, CrossEntropy, HardTriplet, Loss, MarginSoftmax, imitation
from firstsight.twins.residual import ResidualTower
from firstsight.twins.sface import SFaceTower
from firstsight.twins.towers import build_tower

__all__ = [
    "Contrastive",
    "Cosine",
    "CrossEntropy",
    "DlibTower",
    "Euclidean",
    "HardTriplet",
    "Head",
    "KochTower",
    "Loss",
    "MarginSoftmax",
    "ResidualTower",
    "SFaceTower",
    "WeightedL1",
    "build_head",
    "build_tower",
    "cosine",
    "imitation",
    "unit",
]
