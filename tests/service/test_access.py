"""Every address and every kind of key: who may what. An address that is not listed here fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import pytest
from fastapi.routing import APIRoute
from starlette.routing import Mount, Route
from tests.service.conftest import Served, serving

from firstsight.recognizer import Encoder
from firstsight.service import Settings, keys
from firstsight.service.app import create_app

LEAST: Final = {
    ("GET", "/v1/me"): "read",
    ("GET", "/v1/model"): "read",
    ("GET", "/v1/audit"): "admin",
    ("GET", "/metrics"): "read",
    ("GET", "/v1/people"): "read",
    ("POST", "/v1/people"): "write",
    ("POST", "/v1/people/search"): "read",
    ("GET", "/v1/people/{person_id}"): "read",
    ("PATCH", "/v1/people/{person_id}"): "write",
    ("DELETE", "/v1/people/{person_id}"): "admin",
    ("POST", "/v1/people/{person_id}/merge"): "write",
    ("GET", "/v1/people/{person_id}/export"): "admin",
    ("POST", "/v1/people/{person_id}/photos"): "write",
    ("POST", "/v1/photos/{photo_id}/move"): "write",
    ("DELETE", "/v1/photos/{photo_id}"): "write",
    ("GET", "/v1/photos/{photo_id}/crop"): "write",
    ("POST", "/v1/enroll"): "write",
    ("POST", "/v1/samples"): "write",
    ("GET", "/v1/jobs/{job_id}"): "read",
    ("POST", "/v1/identify"): "read",
    ("POST", "/v1/verify"): "read",
    ("POST", "/v1/detect"): "read",
}
OPEN: Final = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/v1/openapi.json"),
    ("GET", "/static"),
}
"""Without a key, for nobody's data is behind them."""
WRONG: Final = {
    "none": None,
    "empty": "",
    "no scheme": "{admin}",
    "another scheme": "Basic {admin}",
    "no key": "Bearer",
    "a guess": "Bearer fs_guess",
    "another case": "Bearer {upper}",
    "cut short": "Bearer {cut}",
    "with more": "Bearer {admin}x",
    "not text": "Bearer \xff\xfe",
    "endless": "Bearer " + "x" * 5000,
    "revoked": "Bearer {revoked}",
    "two": "Bearer {read} {admin}",
}


@pytest.fixture(scope="module")
def guarded(encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("guarded")
    with serving(folder, encoder, Settings(rate=1e6, burst=10**6)) as served:
        yield served


@pytest.fixture(scope="module")
def anybody(guarded: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=guarded.url, timeout=60) as http:
        yield http


def ask(http: httpx.Client, method: str, pattern: str, header: str | None) -> httpx.Response:
    """With nothing in it: who may ask is refused for that, or told that nobody is there."""
    path = pattern.replace("{person_id}", "7").replace("{photo_id}", "7").replace("{job_id}", "none")
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    return http.request(method, path, headers=headers)  # type: ignore[arg-type]


def test_every_address_is_listed(guarded: Served) -> None:
    """Those of the description, and those that are not in it."""
    app = create_app(guarded.recognizer, guarded.ledger, Settings())
    found = set()
    for route in flat(app.routes):
        if isinstance(route, Mount):
            found.add(("GET", route.path))
        elif isinstance(route, Route | APIRoute):
            found |= {(method, route.path) for method in (route.methods or set()) - {"HEAD"}}
        else:
            raise AssertionError(route)
    assert found == LEAST.keys() | OPEN
    described = httpx.get(guarded.url + "/v1/openapi.json").json()["paths"]
    told = {(method.upper(), path) for path, methods in described.items() for method in methods}
    assert told == LEAST.keys() | {("GET", "/healthz"), ("GET", "/readyz")}
    for method, path in told:
        needs_key = "security" in described[path][method.lower()]
        assert needs_key == ((method, path) in LEAST), path


def flat(routes: Any) -> Iterator[Any]:
    """Routers within routers, where the framework keeps them so."""
    for route in routes:
        inner = getattr(getattr(route, "original_router", None), "routes", None)
        if inner is None:
            yield route
        else:
            yield from flat(inner)


@pytest.mark.parametrize("role", keys.ROLES)
def test_a_role_opens_what_it_should_and_nothing_else(
    guarded: Served, anybody: httpx.Client, role: str
) -> None:
    header = f"Bearer {guarded.secrets[role]}"
    for (method, pattern), least in LEAST.items():
        answer = ask(anybody, method, pattern, header)
        allowed = keys.ROLES.index(role) >= keys.ROLES.index(least)
        if allowed:
            assert answer.status_code in (200, 202, 404, 422), (method, pattern, answer.text)
        else:
            assert answer.status_code == 403, (method, pattern, answer.text)
            assert answer.json()["error"]["code"] == "forbidden"


@pytest.mark.parametrize("kind", WRONG)
def test_no_other_key_opens_anything(guarded: Served, anybody: httpx.Client, kind: str) -> None:
    secrets = dict(guarded.secrets)
    if kind == "revoked":
        secrets["revoked"] = keys.create(guarded.ledger, "revoked", "admin")
        keys.revoke(guarded.ledger, "revoked")
    secrets |= {"upper": secrets["admin"].upper(), "cut": secrets["admin"][:-1]}
    pattern = WRONG[kind]
    header = None if pattern is None else pattern.format(**secrets)
    for method, path in LEAST:
        answer = ask(anybody, method, path, header)
        assert answer.status_code == 401, (method, path, answer.text)
        assert answer.json()["error"]["code"] == "unauthorized"
        assert answer.headers["www-authenticate"] == "Bearer"


def test_what_is_open_is_open(anybody: httpx.Client) -> None:
    for method, path in OPEN:
        there = path + "/main.js" if path == "/static" else path
        assert ask(anybody, method, there, None).status_code == 200, there
