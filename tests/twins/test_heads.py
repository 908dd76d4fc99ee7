from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from torch import Tensor

from firstsight.twins import Cosine, Euclidean, Head, WeightedL1, build_head, cosine, unit
from firstsight.twins.heads import HEADS

DIMENSION = 16


def rows(count: int, seed: int = 0, dimension: int = DIMENSION) -> Tensor:
    return torch.randn(count, dimension, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weighted(*, bias: bool = False, seed: int = 0) -> WeightedL1:
    """A head with weights of both signs, and a bias that is not 0."""
    head = WeightedL1(DIMENSION, bias=bias).double()
    with torch.no_grad():
        head.alpha.copy_(rows(1, seed + 100)[0])
        if head.bias is not None:
            head.bias.fill_(0.7)
    assert (head.alpha < 0).any()
    assert (head.alpha > 0).any()
    return head


def heads() -> dict[str, Head]:
    return {
        "cosine": Cosine(),
        "euclidean": Euclidean(),
        "weighted-l1": weighted(),
        "weighted-l1 with bias": weighted(bias=True),
    }


def naive(head: WeightedL1, left: Tensor, right: Tensor) -> Tensor:
    """The paper's sum_j alpha_j |h1_j - h2_j|, pair by pair."""
    return torch.stack([torch.stack([(head.alpha * (h1 - h2).abs()).sum() for h2 in right]) for h1 in left])


def test_cosine_agrees_with_scikit_learn() -> None:
    left, right = rows(7, 0).float(), rows(5, 1).float()
    expected = torch.from_numpy(cosine_similarity(left, right))
    torch.testing.assert_close(cosine(left, right), expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(Cosine().score(left, right), expected, atol=1e-6, rtol=0)


def test_higher_is_more_alike() -> None:
    face = torch.tensor([[1.0, 2.0, 3.0]])
    others = torch.tensor([[2.0, 4.0, 6.0], [3.0, 2.0, 1.0], [-1.0, -2.0, -3.0]])
    same, near, opposite = cosine(face, others)[0].tolist()
    assert same == pytest.approx(1)
    assert opposite == pytest.approx(-1)
    assert opposite < near < same


def test_unit_keeps_a_row_of_zeros() -> None:
    torch.testing.assert_close(
        unit(torch.tensor([[0.0, 0.0], [3.0, 4.0]])), torch.tensor([[0.0, 0.0], [0.6, 0.8]])
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), left=st.integers(1, 5), right=st.integers(1, 5))
def test_weighted_l1_is_the_paper_s_formula_with_its_gradient(seed: int, left: int, right: int) -> None:
    found: list[Tensor | None] = []
    expected: list[Tensor | None] = []
    for ours in (True, False):
        head = weighted(seed=seed)
        one, other = (rows(count, seed + place).requires_grad_() for place, count in enumerate((left, right)))
        score = head.score(one, other) if ours else naive(head, one, other)
        (score * rows(left, seed + 2, right)).sum().backward()  # type: ignore[no-untyped-call]
        (found if ours else expected).extend((score, head.alpha.grad, one.grad, other.grad))
    for mine, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_weighted_l1_in_single_precision_over_the_paper_s_4096_components() -> None:
    torch.manual_seed(0)
    head = WeightedL1(4096)
    left, right = rows(3, 0, 4096).sigmoid(), rows(2, 1, 4096).sigmoid()
    torch.testing.assert_close(
        head.score(left.float(), right.float()).double(), naive(head, left, right), atol=1e-3, rtol=0
    )


def test_the_bias_is_added_and_there_is_none_unless_asked_for() -> None:
    left, right = rows(3, 0), rows(2, 1)
    with_bias, without = weighted(bias=True), weighted()
    torch.testing.assert_close(with_bias.score(left, right), without.score(left, right) + 0.7)
    assert [name for name, _ in WeightedL1(4).named_parameters()] == ["alpha"]
    assert [name for name, _ in WeightedL1(4, bias=True).named_parameters()] == ["alpha", "bias"]


def test_negative_weights_make_what_differs_less_alike() -> None:
    head = WeightedL1(2)
    with torch.no_grad():
        head.alpha.copy_(torch.tensor([-1.0, 0.5]))
    probe, others = torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    assert head.score(probe, others)[0].tolist() == pytest.approx([0.0, -2.0, 1.0])


def test_euclidean_is_the_negated_distance() -> None:
    left, right = rows(6, 0), rows(4, 1)
    expected = -torch.from_numpy(euclidean_distances(left, right))
    torch.testing.assert_close(Euclidean().score(left, right), expected)


@pytest.mark.parametrize(("dimension", "sigmoid"), [(256, False), (4096, True)])
def test_a_picture_is_at_no_distance_from_itself(dimension: int, sigmoid: bool) -> None:
    # As the towers give them: of unit variance, or between 0 and 1. Subtracting products of norms
    # would leave a distance here.
    embeddings = rows(8, 0, dimension).float()
    embeddings = embeddings.sigmoid() if sigmoid else embeddings
    similarity = Euclidean().similarity(embeddings, embeddings).diag()
    torch.testing.assert_close(similarity, torch.ones(8), atol=1e-3, rtol=0)


def test_euclidean_has_a_finite_gradient_where_a_picture_meets_itself() -> None:
    embeddings = rows(4).requires_grad_()
    Euclidean().score(embeddings, embeddings).sum().backward()  # type: ignore[no-untyped-call]
    assert embeddings.grad is not None
    assert torch.isfinite(embeddings.grad).all()


def test_euclidean_similarity_is_1_at_no_distance_and_0_at_distance_1() -> None:
    probe, others = torch.zeros(1, 2), torch.tensor([[0.0, 0.0], [1.0, 0.0], [3e6, 4e6]])
    same, one, far = Euclidean().similarity(probe, others)[0].tolist()
    assert (same, one, far) == pytest.approx((1, 0, -1), abs=1e-5)


@pytest.mark.parametrize("name", heads())
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), scale=st.sampled_from((1e-2, 1.0, 1e2)))
def test_similarity_keeps_the_order_of_the_scores_between_minus_1_and_1(
    name: str, seed: int, scale: float
) -> None:
    head = heads()[name]
    left, right = rows(3, seed) * scale, rows(40, seed + 1) * scale
    with torch.no_grad():
        score, similarity = (
            made.flatten() for made in (head.score(left, right), head.similarity(left, right))
        )
    assert similarity.shape == score.shape
    assert float(similarity.abs().max()) <= 1 + 1e-12
    order = score.argsort()
    ahead = similarity[order].diff()
    assert (ahead[score[order].diff() > 0] > 0).all()


@pytest.mark.parametrize("name", heads())
def test_both_faces_of_a_head_do_not_ask_which_picture_is_on_the_left(name: str) -> None:
    head, left, right = heads()[name], rows(3, 0), rows(5, 1)
    for face in (head.score, head.similarity):
        with torch.no_grad():
            assert face(left, right).shape == (3, 5)
            torch.testing.assert_close(face(left, right), face(right, left).T)


@pytest.mark.parametrize("name", ["cosine", "euclidean"])
def test_a_nearer_picture_has_the_higher_score(name: str) -> None:
    head, probe = build_head(name, DIMENSION), rows(1, 0)
    near, far = probe + 0.1 * rows(1, 1), probe + 2 * rows(1, 1)
    for face in (head.score, head.similarity):
        assert float(face(probe, near)) > float(face(probe, far))


@pytest.mark.parametrize("name", heads())
def test_templates_are_compared_as_the_embeddings_are(name: str) -> None:
    head, left, right = heads()[name], rows(3, 0), rows(4, 1)
    with torch.no_grad():
        kept = head.similarity(head.template(left), head.template(right))
        torch.testing.assert_close(kept, head.similarity(left, right))


def test_the_cosine_s_templates_are_of_unit_length_and_the_others_are_the_embeddings() -> None:
    embeddings = rows(3)
    torch.testing.assert_close(Cosine().template(embeddings).norm(dim=1), torch.ones(3, dtype=torch.float64))
    for head in (Euclidean(), weighted()):
        assert head.template(embeddings) is embeddings


def test_heads_are_built_by_their_names() -> None:
    kinds = [type(build_head(name, 8)) for name in HEADS]
    assert kinds == [Cosine, Euclidean, WeightedL1]
    with_bias = build_head("weighted-l1", 8, bias=True)
    assert isinstance(with_bias, WeightedL1)
    assert with_bias.bias is not None
    assert with_bias.alpha.shape == (8,)


def test_an_unknown_head_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match="no head called 'dot'; known: cosine, euclidean, weighted-l1"):
        build_head("dot", 8)
