"""Secrets at rest: what is sealed opens again, here and nowhere else."""

import asyncio
import base64
import stat
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from domain.errors import SecretLost
from persistence.secret_box import SecretBox, SecretKeyError, open_box, parse_keys
from server.settings import ConfigurationError, Settings, load

HERE, THERE = uuid4(), uuid4()
OLD, NEW = b"o" * 32, b"n" * 32
SECRET = "sk-grüße-123"


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_what_is_sealed_opens_again_and_looks_like_nothing() -> None:
    box = SecretBox([OLD])
    sealed = box.seal(HERE, "provider:1", SECRET)
    assert box.open(HERE, "provider:1", sealed) == SECRET
    assert SECRET.encode() not in sealed
    assert box.seal(HERE, "provider:1", SECRET) != sealed


@pytest.mark.parametrize(("organization", "purpose"), [(THERE, "provider:1"), (HERE, "provider:2")])
def test_a_sealed_secret_cannot_be_moved(organization: UUID, purpose: str) -> None:
    box = SecretBox([OLD])
    sealed = box.seal(HERE, "provider:1", SECRET)
    with pytest.raises(SecretLost):
        box.open(organization, purpose, sealed)


def test_any_changed_byte_is_noticed() -> None:
    box = SecretBox([OLD])
    sealed = box.seal(HERE, "p", SECRET)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SecretLost):
            box.open(HERE, "p", bytes(changed))
    for short in (b"", sealed[:1], sealed[:20], sealed[:-1]):
        with pytest.raises(SecretLost):
            box.open(HERE, "p", short)


def test_a_new_key_in_front_seals_and_the_old_one_still_opens() -> None:
    before = SecretBox([OLD]).seal(HERE, "p", SECRET)
    both = SecretBox(parse_keys(f"{text(NEW)}, {text(OLD)}"))
    assert both.open(HERE, "p", before) == SECRET
    after = both.seal(HERE, "p", SECRET)
    assert SecretBox([NEW]).open(HERE, "p", after) == SECRET
    with pytest.raises(SecretLost, match="give the secret again"):
        SecretBox([NEW]).open(HERE, "p", before)


def test_without_a_key_nothing_is_sealed_or_opened() -> None:
    with pytest.raises(SecretKeyError):
        SecretBox().seal(HERE, "p", SECRET)
    with pytest.raises(SecretLost):
        SecretBox().open(HERE, "p", SecretBox([OLD]).seal(HERE, "p", SECRET))


def test_the_first_start_makes_a_key_that_stays(tmp_path: Path) -> None:
    file = tmp_path / "data" / "secret.key"
    sealed = open_box(None, file).seal(HERE, "p", SECRET)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["secret.key"]
    assert open_box(None, file).open(HERE, "p", sealed) == SECRET


_RACER = """
import sys, uuid
from pathlib import Path
from persistence.secret_box import open_box
print("ready", flush=True)
sys.stdin.readline()
box = open_box(None, Path(sys.argv[1]))
print(box.seal(uuid.UUID(int=1), "p", "x").hex())
"""


async def test_processes_that_start_at_once_use_one_key(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    pipe = asyncio.subprocess.PIPE
    racers = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", _RACER, str(file), stdin=pipe, stdout=pipe
        )
        for _ in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert await racer.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(racer.communicate(b"go\n") for racer in racers))
    box = open_box(None, file)
    for out, _ in told:
        assert box.open(UUID(int=1), "p", bytes.fromhex(out.decode())) == "x"


@pytest.mark.parametrize("content", ["", "no key", text(b"short")])
def test_a_broken_file_is_told_and_kept(tmp_path: Path, content: str) -> None:
    file = tmp_path / "secret.key"
    file.write_text(content)
    with pytest.raises(SecretKeyError, match="restore it from a backup"):
        open_box(None, file)
    assert file.read_text() == content


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    settings = Settings(data=tmp_path / "plain")
    with pytest.raises(ConfigurationError, match=r"secret\.key cannot be read or made"):
        settings.secret_box()


@pytest.mark.parametrize("wrong", ["short", text(b"x" * 31), f"{text(OLD)},", f"{text(OLD)};"])
def test_a_wrong_setting_is_told_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("TABLECAST_SECRET_KEY", wrong)
    with pytest.raises(ConfigurationError, match="TABLECAST_SECRET_KEY must be 32") as caught:
        load()
    assert wrong not in str(caught.value)


def test_the_setting_comes_before_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TABLECAST_SECRET_KEY", text(NEW))
    monkeypatch.setenv("TABLECAST_DATA", str(tmp_path))
    settings = load()
    sealed = settings.secret_box().seal(HERE, "p", SECRET)
    assert SecretBox([NEW]).open(HERE, "p", sealed) == SECRET
    assert not settings.secret_key_file.exists()
    assert text(NEW) not in repr(settings)
