"""Whatever the description of the API allows, and much that it does not: asked by schemathesis."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from tests.service.conftest import Served, serving
from tests.service.test_routes import finished

from firstsight.recognizer import Encoder
from firstsight.service import Settings
from firstsight.service.envelope import HEADERS

People = dict[str, list[Path]]
IDS: Final = ("person_id", "photo_id")
JUDGED: Final = {
    ("POST", "/v1/people"),
    ("PATCH", "/v1/people/{person_id}"),
    ("POST", "/v1/people/{person_id}/merge"),
    ("POST", "/v1/people/{person_id}/photos"),
    ("POST", "/v1/photos/{photo_id}/move"),
    ("POST", "/v1/enroll"),
    ("POST", "/v1/identify"),
    ("POST", "/v1/verify"),
    ("POST", "/v1/detect"),
}
"""Routes that refuse what no schema can tell: names that cannot be seen, pictures that are none."""
BARE: Final = {
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /v1/jobs/{job_id}",
    "GET /v1/me",
    "GET /v1/model",
    "POST /v1/samples",
}
"""Routes that take nothing, or any text: there is nothing to get wrong."""
OWN_KEY: Final = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
"""The tests send a key of their own: a request is not meant to be refused because another was drawn."""


@pytest.fixture(scope="module")
def filled(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The sample people are in it, under small numbers."""
    folder = tmp_path_factory.mktemp("described")
    with serving(folder, encoder, Settings(rate=1e6, burst=10**6)) as served:
        with served.http() as http:
            finished(http, http.post("/v1/samples").json())
        yield served


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_the_description_tells_of(
    filled: Served, people: People, mode: GenerationMode
) -> None:
    """No 5xx, no status, type, header or field but those; what is meant is taken, what is not is refused."""
    photo = next(iter(people.values()))[0].read_bytes()
    pictures = st.sampled_from([photo, photo[:2000], b""]) | st.binary(max_size=100)
    schemathesis.openapi.format("binary", pictures)
    for kind in ("image/*", "application/zip"):
        schemathesis.openapi.media_type(kind, pictures)
    described = requests.get(filled.url + "/v1/openapi.json", timeout=30).json()
    asked, bare, failures = {}, set(), []
    for found in schemathesis.openapi.from_dict(described, config=OWN_KEY).get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        try:
            asked[operation.label] = ask(filled, operation, mode)
        except Unsatisfiable:
            bare.add(operation.label)
        except Exception as error:
            parts = getattr(error, "exceptions", ())
            failures.append("\n".join([f"{operation.label}: {error}", *map(str, parts)]))
    assert not failures, "\n\n".join(failures)
    assert bare == (BARE if mode == GenerationMode.NEGATIVE else set())
    assert len(asked) + len(bare) == sum(map(len, described["paths"].values()))


def ask(served: Served, operation: Any, mode: GenerationMode) -> int:
    """Some requests to one address, and how many they were."""
    load_all_checks()
    excluded = [CHECKS.get_one("positive_data_acceptance")] if key(operation) in JUDGED else []
    count = 0

    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode), st.none() | st.integers(1, 12))
    def run(case: Any, number: int | None) -> None:
        nonlocal count
        if number is not None and mode == GenerationMode.POSITIVE:
            # Otherwise hardly any number would be somebody's.
            case.path_parameters.update({name: number for name in IDS if name in case.path_parameters})
        answer = case.call_and_validate(
            base_url=served.url,
            session=session,
            headers={"Authorization": f"Bearer {served.secrets['admin']}"},
            excluded_checks=excluded,
        )
        assert {name.lower() for name in HEADERS} <= set(answer.headers), answer.headers
        count += 1

    with requests.Session() as session:
        run()
    return count


def key(operation: Any) -> tuple[str, str]:
    return operation.method.upper(), operation.path
