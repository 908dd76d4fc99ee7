from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
from pytorch_metric_learning import distances, miners, reducers  # type: ignore[import-untyped]
from pytorch_metric_learning import losses as oracles
from torch import Tensor
from torch.nn import functional

from firstsight.twins import (
    Contrastive,
    Cosine,
    CrossEntropy,
    Euclidean,
    HardTriplet,
    Head,
    Loss,
    MarginSoftmax,
    WeightedL1,
    build_head,
)
from firstsight.twins.losses import balanced

DIMENSION = 8
CLASSES = 5
LABELS = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 3, 4])
PLAIN = distances.LpDistance(normalize_embeddings=False)


def embeddings(seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(len(LABELS), DIMENSION, generator=draw, dtype=torch.float64).requires_grad_()


def agree(ours: Callable[[Tensor], Tensor], theirs: Callable[[Tensor], Tensor], seed: int = 0) -> None:
    """Both give the same loss and the same gradient."""
    found = []
    for loss_of in (ours, theirs):
        batch = embeddings(seed)
        loss = loss_of(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        assert batch.grad is not None
        found.append((loss.detach(), batch.grad))
    torch.testing.assert_close(found[0], found[1], atol=1e-6, rtol=1e-5)
    assert float(found[0][0]) > 0


class Table(Head):
    """A head whose scores are given: a logit for each pair."""

    def __init__(self, scores: Tensor) -> None:
        super().__init__()
        self.scores = scores

    def score(self, left: Tensor, right: Tensor) -> Tensor:
        return self.scores


@pytest.mark.parametrize("margin", [2.0, 5.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_contrastive_agrees_with_the_oracle(margin: float, seed: int) -> None:
    reference = oracles.ContrastiveLoss(
        pos_margin=0, neg_margin=margin, distance=PLAIN, reducer=reducers.DoNothingReducer()
    )

    def theirs(batch: Tensor) -> Tensor:
        # The oracle's hinges are not squared.
        found = reference(batch, LABELS)
        mated, others = (found[kind]["losses"].square() for kind in ("pos_loss", "neg_loss"))
        mean: Tensor = (mated.mean() + others.mean()) / 2
        return mean

    agree(lambda batch: Contrastive(margin)(Euclidean(), batch, LABELS), theirs, seed)


@pytest.mark.parametrize("margin", [0.2, 3.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_hard_triplets_agree_with_the_oracle(margin: float, seed: int) -> None:
    miner = miners.BatchHardMiner(distance=PLAIN)
    reference = oracles.TripletMarginLoss(margin=margin, distance=PLAIN, reducer=reducers.MeanReducer())

    def theirs(batch: Tensor) -> Tensor:
        loss: Tensor = reference(batch, LABELS, miner(batch, LABELS))
        return loss

    agree(lambda batch: HardTriplet(margin)(Euclidean(), batch, LABELS), theirs, seed)


def margin_softmax(kind: str, margin: float, scale: float, *, smoothing: float = 0.0) -> MarginSoftmax:
    torch.manual_seed(0)
    return MarginSoftmax(
        CLASSES, DIMENSION, scale=scale, margin=margin, kind=kind, smoothing=smoothing
    ).double()


@pytest.mark.parametrize(("margin", "scale"), [(0.0, 1.0), (0.35, 30.0), (0.2, 64.0)])
def test_the_margin_on_the_cosine_agrees_with_the_oracle(margin: float, scale: float) -> None:
    loss = margin_softmax("cosine", margin, scale)
    reference = oracles.CosFaceLoss(CLASSES, DIMENSION, margin=margin, scale=scale)
    reference.W.data = loss.centres.detach().T.clone()
    agree(lambda batch: loss(Cosine(), batch, LABELS), lambda batch: reference(batch, LABELS))
    assert loss.centres.grad is not None
    torch.testing.assert_close(loss.centres.grad, reference.W.grad.T, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("margin", "scale"), [(0.0, 1.0), (0.5, 30.0), (1.2, 8.0)])
@pytest.mark.parametrize("turned", [False, True])
def test_the_margin_on_the_angle_agrees_with_the_oracle(margin: float, scale: float, turned: bool) -> None:
    loss = margin_softmax("angle", margin, scale)
    if turned:
        # Nearly opposite to the true centre: beyond pi less the margin.
        nudge = embeddings(3).detach() * 2e-3

        def shown(batch: Tensor) -> Tensor:
            return batch * 1e-3 + nudge - loss.centres.detach()[LABELS]
    else:

        def shown(batch: Tensor) -> Tensor:
            return batch

    reference = oracles.ArcFaceLoss(CLASSES, DIMENSION, margin=math.degrees(margin), scale=scale)
    reference.W.data = loss.centres.detach().T.clone()
    agree(lambda batch: loss(Cosine(), shown(batch), LABELS), lambda batch: reference(shown(batch), LABELS))


def test_some_pictures_of_the_test_above_lie_beyond_pi_less_the_margin() -> None:
    centres = margin_softmax("angle", 0.5, 1.0).centres.detach()
    shown = embeddings().detach() * 1e-3 + embeddings(3).detach() * 2e-3 - centres[LABELS]
    angles = functional.cosine_similarity(shown, centres[LABELS]).acos()
    assert (angles > math.pi - 0.5).any()


def test_an_angle_that_grows_never_lowers_the_loss() -> None:
    loss = margin_softmax("angle", 0.5, 8.0)
    with torch.no_grad():
        loss.centres.zero_()
        loss.centres[0, 0] = loss.centres[1, 2] = 1.0
        turns = torch.linspace(0, math.pi, 50, dtype=torch.float64)
        turning = torch.zeros(50, DIMENSION, dtype=torch.float64)
        turning[:, 0], turning[:, 1] = turns.cos(), turns.sin()
        losses = torch.stack([loss(Cosine(), one[None], torch.tensor([0])) for one in turning])
    assert (losses.diff() > 0).all()


def test_a_larger_margin_asks_for_more() -> None:
    for kind in ("cosine", "angle"):
        small, large = (
            float(margin_softmax(kind, margin, 8.0)(Cosine(), embeddings(), LABELS).detach())
            for margin in (0.1, 0.4)
        )
        assert large > small


def test_labels_are_smoothed() -> None:
    loss, batch = margin_softmax("cosine", 0.0, 4.0, smoothing=0.1), embeddings()
    logs = (4 * Cosine().score(batch, loss.centres)).log_softmax(1)
    truth = torch.full_like(logs, 0.1 / CLASSES).scatter_add(
        1, LABELS[:, None], torch.full_like(logs[:, :1], 0.9)
    )
    torch.testing.assert_close(loss(Cosine(), batch, LABELS), -(truth * logs).sum(1).mean())


def test_centres_begin_as_wide_as_asked() -> None:
    torch.manual_seed(0)
    wide, narrow = (
        MarginSoftmax(200, 50, scale=1, margin=0, kind="cosine", spread=spread).centres.detach()
        for spread in (1, 0.01)
    )
    assert float(wide.std()) == pytest.approx(1, rel=0.05)
    assert float(narrow.std()) == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("line", [False, True])
def test_cross_entropy_is_torch_s_over_the_listed_pairs(line: bool) -> None:
    torch.manual_seed(0)
    head, loss, batch = WeightedL1(DIMENSION).double(), CrossEntropy(line=line).double(), embeddings()
    logits, mated = [], []
    for one, other in itertools.combinations(range(len(LABELS)), 2):
        logit = (head.alpha * (batch[one] - batch[other]).abs()).sum()
        logits.append(10 * logit - 3 if line else logit)
        mated.append(bool(LABELS[one] == LABELS[other]))
    scores, same = torch.stack(logits), torch.tensor(mated)
    halves = [
        functional.binary_cross_entropy(scores[kind].sigmoid(), same[kind].double()) for kind in (same, ~same)
    ]
    torch.testing.assert_close(loss(head, batch, LABELS), (halves[0] + halves[1]) / 2)


@pytest.mark.parametrize(
    ("loss", "high", "low"),
    [(CrossEntropy(), 5.0, -5.0), (Contrastive(2.0), -0.1, -3.0), (HardTriplet(0.5), -0.1, -3.0)],
)
def test_a_mated_pair_wants_a_high_score_and_another_a_low_one(loss: Loss, high: float, low: float) -> None:
    labels = torch.tensor([0, 0, 1, 1])
    same = labels[:, None] == labels[None]
    right = loss(Table(torch.where(same, high, low)), torch.zeros(4, 1), labels)
    wrong = loss(Table(torch.where(same, low, high)), torch.zeros(4, 1), labels)
    assert float(right) < 0.05 < 1 < float(wrong)


def test_each_side_of_a_pair_is_punished_alone() -> None:
    mates, strangers = torch.tensor([7, 7]), torch.tensor([7, 8])

    def loss(labels: Tensor, logit: float) -> float:
        return float(CrossEntropy()(Table(torch.full((2, 2), logit)), torch.zeros(2, 1), labels))

    assert loss(mates, 3.0) == pytest.approx(math.log1p(math.exp(-3)))
    assert loss(mates, -3.0) == pytest.approx(3 + math.log1p(math.exp(-3)))
    assert loss(strangers, -3.0) == pytest.approx(math.log1p(math.exp(-3)))
    assert loss(strangers, 3.0) == pytest.approx(3 + math.log1p(math.exp(-3)))


def test_balanced_weighs_both_kinds_alike_however_many_there_are() -> None:
    losses = torch.tensor([4.0, 1.0, 2.0, 3.0])
    assert float(balanced(losses, torch.tensor([True, False, False, False]))) == pytest.approx(3.0)
    assert float(balanced(losses, torch.tensor([True, True, False, False]))) == pytest.approx(2.5)


@pytest.mark.parametrize("kind", [True, False])
def test_balanced_takes_the_mean_where_there_is_one_kind_only(kind: bool) -> None:
    assert float(balanced(torch.tensor([1.0, 2.0, 6.0]), torch.full((3,), kind))) == pytest.approx(3.0)


@pytest.mark.parametrize("loss", [CrossEntropy(), Contrastive(50.0)])
def test_only_the_chosen_pairs_count(loss: Loss) -> None:
    chosen = torch.zeros(len(LABELS), len(LABELS), dtype=torch.bool)
    # One mated pair and one other, written below the diagonal and above it.
    chosen[1, 0] = chosen[3, 5] = True
    batch = embeddings()
    found = loss(Euclidean(), batch, LABELS, chosen)
    found.backward()
    assert batch.grad is not None
    assert batch.grad.any(1).nonzero().flatten().tolist() == [0, 1, 3, 5]
    alone = [
        loss(Euclidean(), embeddings()[rows], LABELS[rows])
        for rows in (torch.tensor([0, 1]), torch.tensor([3, 5]))
    ]
    torch.testing.assert_close(found, torch.stack(alone).mean())


@pytest.mark.parametrize("loss", [CrossEntropy(), Contrastive(50.0)])
def test_all_pairs_of_different_pictures_count_once_unless_chosen(loss: Loss) -> None:
    chosen = torch.ones(len(LABELS), len(LABELS), dtype=torch.bool).tril(-1)
    torch.testing.assert_close(
        loss(Euclidean(), embeddings(), LABELS), loss(Euclidean(), embeddings(), LABELS, chosen)
    )


def test_pictures_without_a_mate_or_a_stranger_make_no_triplet() -> None:
    scores = torch.tensor([[0.0, -1.0, -2.0], [-1.0, 0.0, -4.0], [-2.0, -4.0, 0.0]])
    labels = torch.tensor([0, 0, 1])
    # The third has no mate. First: 3 - 2 + 1 = 2; second: 3 - 4 + 1 = 0.
    assert float(HardTriplet(3.0)(Table(scores), torch.zeros(3, 1), labels)) == pytest.approx(1.0)


HEADS: dict[str, Callable[[], Head]] = {
    "cosine": lambda: build_head("cosine", DIMENSION),
    "euclidean": lambda: build_head("euclidean", DIMENSION),
    "weighted-l1": lambda: build_head("weighted-l1", DIMENSION),
    "weighted-l1 with bias": lambda: build_head("weighted-l1", DIMENSION, bias=True),
}
LOSSES: dict[str, Callable[[], Loss]] = {
    "cross-entropy": CrossEntropy,
    "cross-entropy with line": lambda: CrossEntropy(line=True),
    "contrastive": lambda: Contrastive(1.0),
    "triplet": lambda: HardTriplet(50.0),
    "cosine margin": lambda: MarginSoftmax(CLASSES, DIMENSION, scale=30, margin=0.35, kind="cosine"),
    "angle margin": lambda: MarginSoftmax(CLASSES, DIMENSION, scale=30, margin=0.5, kind="angle"),
}


@pytest.mark.parametrize("head_name", HEADS)
@pytest.mark.parametrize("loss_name", LOSSES)
@pytest.mark.parametrize("kind", ["mixed", "one identity", "pairs of strangers", "twice the same picture"])
def test_every_loss_teaches_with_every_head(head_name: str, loss_name: str, kind: str) -> None:
    torch.manual_seed(0)
    head, loss = HEADS[head_name](), LOSSES[loss_name]()
    labels = {"one identity": torch.zeros_like(LABELS), "pairs of strangers": torch.arange(CLASSES)}.get(
        kind, LABELS
    )
    batch = torch.randn(len(labels), DIMENSION)
    if kind == "twice the same picture":
        batch[1], batch[5] = batch[0], batch[0]
    batch.requires_grad_()
    found = loss(head, batch, labels)
    assert found.shape == ()
    assert torch.isfinite(found)
    found.backward()
    for value in (batch, *head.parameters(), *loss.parameters()):
        assert value.grad is not None
        assert torch.isfinite(value.grad).all()
    assert batch.grad is not None
    # Triplets need a mate and a stranger, contrast a stranger within the margin.
    if kind in ("mixed", "twice the same picture"):
        assert batch.grad.any()


@pytest.mark.parametrize("head_name", HEADS)
@pytest.mark.parametrize("loss_name", LOSSES)
def test_a_step_down_the_gradient_lowers_the_loss(head_name: str, loss_name: str) -> None:
    torch.manual_seed(1)
    head, loss = HEADS[head_name]().double(), LOSSES[loss_name]().double()
    batch = embeddings(4)
    loss(head, batch, LABELS).backward()
    values = [batch, *head.parameters(), *loss.parameters()]
    length = math.sqrt(sum(float(value.grad.square().sum()) for value in values if value.grad is not None))
    with torch.no_grad():
        before = loss(head, batch, LABELS)
        for value in values:
            assert value.grad is not None
            value -= 1e-5 * value.grad / length
        after = loss(head, batch, LABELS)
    assert float(after) < float(before)
    # To first order by the step times the slope.
    assert float(before - after) == pytest.approx(1e-5 * length, rel=0.05)
