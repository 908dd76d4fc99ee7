"""Networks: who runs them, on how many cores, and each lent to one thread at a time."""

from firstsight.networks.cores import cores, one_thread_each, spread
from firstsight.networks.engines import ENGINES, OPENCV, OPENVINO, VARIABLE, chosen_engine
from firstsight.networks.lending import ByThreads, Lent
from firstsight.networks.programs import Programs

__all__ = [
    "ENGINES",
    "OPENCV",
    "OPENVINO",
    "VARIABLE",
    "ByThreads",
    "Lent",
    "Programs",
    "chosen_engine",
    "cores",
    "one_thread_each",
    "spread",
]
