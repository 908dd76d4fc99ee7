"""What is needed to deploy the service fits the service, and passes its tools' own checks."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import typer
import yaml  # type: ignore[import-untyped]

import firstsight
from firstsight.cli.app import app
from firstsight.service import Settings, listening
from firstsight.service.bodies import FIELD_BYTES
from firstsight.service.routes import about, enroll

ROOT: Final = Path(__file__).parents[1]
DEPLOY: Final = ROOT / "deploy"
PAGE: Final = (ROOT / "docs" / "service.md").read_text("utf-8")
DOCKERFILE: Final = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
CADDYFILE: Final = (DEPLOY / "Caddyfile").read_text("utf-8")
UNIT: Final = (DEPLOY / "firstsight.service").read_text("utf-8")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
COMMAND: Final[Any] = typer.main.get_command(app)
PORT: Final = {one.name: one.default for one in COMMAND.commands["serve"].params}["port"]


def tool(name: str) -> str:
    """A linter's path, in the environment of the tests or on the machine."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.is_file() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name.upper()} MISSING: what it checks in deploy/ was NOT checked")
    return found


def passed(*command: str, **environment: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={**os.environ, **environment}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def instruction(name: str) -> list[str]:
    """What follows an instruction of the Dockerfile, wherever it stands."""
    return [line.split(maxsplit=1)[1] for line in DOCKERFILE.splitlines() if line.startswith(f"{name} ")]


def setting(name: str) -> str:
    """The last value of a setting of the unit."""
    return str(re.findall(rf"^{name}=(.*)$", UNIT, re.M)[-1])


# Commands


def invocations() -> Iterator[tuple[str, ...]]:
    """Every call of firstsight in the page, the unit and the image, without what stands before it."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.S))
    inline = re.findall(r"`(firstsight [^`]+)`", PAGE)
    starts = [line.removeprefix("ExecStart=") for line in UNIT.splitlines() if line.startswith("ExecStart=")]
    for line in (*blocks.splitlines(), *inline, *starts):
        words = shlex.split(line, comments=True)
        for place, word in enumerate(words[:-1]):
            if Path(word).name == "firstsight" and words[place + 1] in COMMAND.commands:
                yield tuple(words[place + 1 :])
    (command,) = instruction("CMD")[-1:]
    yield tuple(json.loads(command))


INVOCATIONS: Final = sorted(set(invocations()))


def test_the_commands_of_a_deployment_are_found() -> None:
    first = [words[:2] for words in INVOCATIONS]
    assert {("keys", "create"), ("keys", "revoke"), ("keys", "list")} <= set(first)
    assert {"serve", "backup"} <= {words[0] for words in first}
    assert len([words for words in INVOCATIONS if words[0] == "backup"]) >= 2


@pytest.mark.parametrize("words", INVOCATIONS, ids=" ".join)
def test_every_command_is_understood(words: tuple[str, ...]) -> None:
    command, rest = COMMAND, list(words)
    while hasattr(command, "commands"):
        command = command.commands[rest.pop(0)]
    command.make_context("firstsight", rest)  # raises for an unknown option or a missing argument


def test_an_unknown_option_would_be_noticed() -> None:
    with pytest.raises(Exception, match="--people"):
        COMMAND.commands["backup"].make_context("firstsight", ["monday.db", "--people", "x"])


# Dockerfile


def test_torch_is_the_version_of_the_constraints() -> None:
    pinned = re.findall(r"^(torch==\S+)$", (ROOT / "constraints.txt").read_text("utf-8"), re.M)
    assert re.findall(r"torch==\S+", DOCKERFILE) == pinned


def let_through(path: str) -> bool:
    """Whether .dockerignore lets a path through: the last line that fits it, or a folder of it, decides."""
    through = True
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        above = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        names = parts if "**/" in line else above
        if any(fnmatch(name, pattern) for name in names):
            through = line.startswith("!")
    return through


def test_what_the_image_copies_is_there_and_let_through() -> None:
    sources = [
        word
        for line in instruction("COPY")
        for word in [word for word in line.split() if not word.startswith("--")][:-1]
    ]
    assert {"src", "constraints.txt"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert let_through(source), source


@pytest.mark.parametrize(
    "path",
    ["people.db", "people.db-wal", "src/people.db.service", ".git/config", "deploy/.env", "shared/a.jpg"],
)
def test_nothing_else_goes_to_the_builder(path: str) -> None:
    assert not let_through(path)


def test_the_image_is_pinned_and_its_user_is_not_root() -> None:
    bases = [line.split()[0] for line in instruction("FROM")]
    assert bases
    assert all(re.fullmatch(r"python:3\.\d+-slim-\w+", base) for base in bases)
    user = instruction("USER")[-1].partition(":")[0]
    assert int(user) > 0
    assert f"--uid {user} " in DOCKERFILE
    assert f"-o {user} -g {user}" in PAGE
    made = DOCKERFILE.index("\nUSER ")
    assert all(place < made for place in (DOCKERFILE.rindex("\nRUN "), DOCKERFILE.rindex("\nCOPY ")))


def test_no_key_is_set_in_the_image_or_beside_it() -> None:
    for text in (DOCKERFILE, UNIT, (DEPLOY / "compose.yaml").read_text("utf-8")):
        assert not re.search(r"FIRSTSIGHT_KEY\s*[=:]", text)


HEALTH: Final = json.loads(re.findall(r"^HEALTHCHECK .*?CMD (\[.*\])$", DOCKERFILE, re.M)[0])


def test_the_health_check_asks_an_address_that_needs_no_key() -> None:
    ((port, path),) = re.findall(r"http://127\.0\.0\.1:(\d+)(/\w+)", HEALTH[-1])
    assert int(port) == PORT == int(instruction("EXPOSE")[-1])
    (route,) = [route for route in about.router.routes if getattr(route, "path", "") == path]
    assert not getattr(route, "dependant").dependencies  # noqa: B009 - starlette's class has none


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_tells_a_healthy_service_from_another(status: int, healthy: bool) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        program = HEALTH[-1].replace(f":{PORT}/", f":{server.server_port}/")
        done = subprocess.run(
            [sys.executable, *HEALTH[1:-1], program], capture_output=True, timeout=30, check=False
        )
        thread.join(30)
    assert (done.returncode == 0) is healthy


def test_hadolint_finds_nothing() -> None:
    passed(tool("hadolint"), str(DEPLOY / "Dockerfile"))


# Compose


def test_only_the_proxy_is_published() -> None:
    service, caddy = COMPOSE["services"]["firstsight"], COMPOSE["services"]["caddy"]
    assert "ports" not in service
    assert "network_mode" not in service
    assert service["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert caddy["environment"]["FIRSTSIGHT_UPSTREAM"] == f"firstsight:{PORT}"


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_no_container_may_do_more_than_it_must(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert not service.get("privileged")
    assert re.fullmatch(r"\w+:\d+\.\d+\.\d+(-\w+)?", service["image"])


def test_compose_fits_the_image() -> None:
    service = COMPOSE["services"]["firstsight"]
    assert service["image"] == f"firstsight:{firstsight.__version__}"
    assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
    assert (ROOT / service["build"]["dockerfile"]).is_file()
    gallery = re.findall(r"FIRSTSIGHT_GALLERY=(\S+)", DOCKERFILE)[0]
    assert f"gallery:{Path(gallery).parent}" in service["volumes"]
    (secret,) = service["secrets"]
    assert service["environment"] == {"FIRSTSIGHT_KEY_FILE": f"/run/secrets/{secret}"}
    assert COMPOSE["secrets"][secret]["file"] in PAGE
    assert set(COMPOSE["volumes"]) == {"gallery", "certificates"}


def test_requests_in_work_can_be_finished() -> None:
    for grace in (COMPOSE["services"]["firstsight"]["stop_grace_period"], setting("TimeoutStopSec")):
        assert int(grace.removesuffix("s")) > Settings().deadline


def test_compose_itself_understands_the_file() -> None:
    docker = tool("docker")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("DOCKER COMPOSE MISSING: deploy/compose.yaml was NOT checked by it")
    passed(docker, "compose", "-f", str(DEPLOY / "compose.yaml"), "config", "-q", FIRSTSIGHT_SITE="localhost")


# Caddy


def test_the_proxy_lets_through_what_the_service_takes_and_little_more() -> None:
    limits = {
        name: int(size) * 2**20
        for name, size in re.findall(r"request_body @(\w+) \{\s+max_size (\d+)MiB", CADDYFILE)
    }
    settings = Settings()
    for name, largest in (("import", settings.archive_bytes), ("other", settings.form_bytes + FIELD_BYTES)):
        assert largest <= limits[name] <= largest + 2 * 2**20
    assert f"up to {settings.archive_bytes // 2**20} MiB to `/v1/enroll`" in PAGE
    assert f"up to {settings.form_bytes // 2**20} MiB elsewhere" in PAGE
    (taken,) = re.findall(r"@import path (\S+)", CADDYFILE)
    assert taken in {getattr(route, "path", "") for route in enroll.router.routes}


def test_the_proxy_lets_go_of_connections_first() -> None:
    (kept,) = re.findall(r"keepalive (\d+)s", CADDYFILE)
    assert int(kept) < listening.IDLE
    assert f"less than {listening.IDLE} seconds" in PAGE
    assert f"127.0.0.1:{PORT}" in CADDYFILE


def test_the_proxy_keeps_no_log_of_requests() -> None:
    assert not re.search(r"^\s*log\b", CADDYFILE, re.M)


def test_caddy_itself_understands_the_file(tmp_path: Path) -> None:
    folders = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "HOME": str(tmp_path)}
    caddy, path = tool("caddy"), str(DEPLOY / "Caddyfile")
    passed(caddy, "validate", "--config", path, "--adapter", "caddyfile", **folders)


# systemd


def test_the_unit_is_closed_off() -> None:
    for name, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "IPAddressDeny": "any",
        "IPAddressAllow": "localhost",
        "UMask": "0077",
    }.items():
        assert setting(name) == value
    assert setting("User") not in ("root", "0")
    assert "--host" not in setting("ExecStart")
    # With these PyTorch fails, or is slow; the unit says so.
    assert not re.search(r"^(MemoryDenyWriteExecute|ProcSubset)=", UNIT, re.M)


def test_the_unit_waits_for_a_key_where_keys_are_kept() -> None:
    gallery = shlex.split(setting("ExecStart"))[-1]
    assert setting("AssertPathExists") == f"{gallery}.service"
    assert Path(gallery).parent == Path("/var/lib") / setting("StateDirectory")
    credential, _, source = setting("LoadCredential").partition(":")
    assert f"Environment=FIRSTSIGHT_KEY_FILE=%d/{credential}\n" in UNIT
    assert source in PAGE


def test_systemd_itself_understands_the_unit(tmp_path: Path) -> None:
    analyze = tool("systemd-analyze")
    path = tmp_path / "firstsight.service"
    # Its programs are installed where they are verified, which is not where they are deployed.
    path.write_text(re.sub(r"^ExecStart=.*$", "ExecStart=/bin/sh -c true", UNIT, flags=re.M))
    done = subprocess.run(
        [analyze, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    # An unknown setting is a remark to systemd, and a fault here.
    assert (done.returncode, [line for line in done.stderr.splitlines() if path.name in line]) == (0, [])
