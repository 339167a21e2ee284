from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from safetensors.numpy import load_file

from tests.support.fetching import FILE, REPO, WEIGHTS, Kiosk, open_kiosk, timm_weights
from tests.support.server import COMMIT, Drop, Refuse, Send, Stall

CONTENT = timm_weights(1)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2

RESNET = "resnet50.a1_in1k"
CLIP = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K/open_clip_model.safetensors"


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    """Return a kiosk whose hub has timm's network."""
    with open_kiosk(tmp_path) as kiosk:
        yield kiosk


def test_the_network_of_all_persons_is_fetched_from_the_hub(kiosk: Kiosk) -> None:
    """`kiosk fetch persons-21k` downloads the hub's file with the SHA-256 that the hub states."""
    kiosk.environment = {"HF_TOKEN": "hf_secret"}
    outcome = kiosk.fetch("persons-21k")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert f"persons-21k has been fetched: models/weights/{WEIGHTS}" in outcome.stdout
    assert f"SHA-256 {SHA256}, recorded in fetched.yaml, not pinned" in outcome.stdout
    assert load_file(kiosk.weights / WEIGHTS)["head.weight"].shape == (21843, 8)
    record = yaml.safe_load((kiosk.weights / "fetched.yaml").read_text())
    assert record[WEIGHTS]["sha256"] == SHA256
    assert [(request.method, request.path) for request in kiosk.hub.requests] == [
        ("HEAD", f"/{REPO}/resolve/main/{FILE}"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/{FILE}"),
    ]
    assert {request.authorization for request in kiosk.hub.requests} == {"Bearer hf_secret"}
    assert [request.authorization for request in kiosk.store.requests] == [None]
    assert "torch" not in kiosk.hub.requests[0].agent
    assert not (kiosk.folder / "cache" / "hub").exists()


def test_a_second_fetch_needs_no_network(kiosk: Kiosk) -> None:
    """A file that was fetched from the hub is checked against the record without a request."""
    kiosk.fetch("persons-21k")
    kiosk.hub.requests.clear()
    outcome = kiosk.fetch("persons-21k")
    assert "persons-21k was fetched earlier" in outcome.stdout
    assert kiosk.hub.requests == []


def test_another_network_than_the_first_is_refused(kiosk: Kiosk) -> None:
    """If the hub has another file than at the first fetch, it is refused without --sha256."""
    kiosk.fetch("persons-21k")
    other = timm_weights(2)
    kiosk.hub.hub_files[f"{REPO}/{FILE}"] = other
    (kiosk.weights / WEIGHTS).unlink()
    kiosk.store.requests.clear()
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert f"has changed (SHA-256 {hashlib.sha256(other).hexdigest()}" in outcome.stderr
    assert kiosk.store.requests == []
    assert kiosk.fetch("persons-21k", "--sha256", hashlib.sha256(other).hexdigest()).returncode == 0
    assert (kiosk.weights / WEIGHTS).read_bytes() == other


def test_an_interrupted_fetch_from_the_hub_resumes(kiosk: Kiosk) -> None:
    """The bytes that arrived from the hub before the connection broke are not fetched again."""
    kiosk.store.faults.append(Drop(HALF))
    broken = kiosk.fetch("persons-21k", "--once")
    assert broken.returncode == 2
    assert broken.stderr.startswith("kiosk fetch persons-21k: the connection to 127.0.0.1:")
    assert not (kiosk.weights / WEIGHTS).exists()
    assert kiosk.fetch("persons-21k").returncode == 0
    assert kiosk.store.ranges() == [None, f"bytes={HALF}-"]


def test_ctrl_c_leaves_what_has_arrived(kiosk: Kiosk) -> None:
    """Ctrl-C ends a fetch at once, and the next one resumes it."""
    # More than the sockets' buffers hold, so that much has arrived once the server has stalled.
    content = CONTENT * 40
    kiosk.hub.hub_files[f"{REPO}/{FILE}"] = content
    kiosk.store.faults.append(Stall(len(content) - 1000))
    # A shell that runs the tests in the background makes them and their children ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = kiosk.start("-m", "installation", "fetch", "persons-21k")
    signal.signal(signal.SIGINT, before)
    assert kiosk.store.stalled.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    part = (kiosk.weights / f"{WEIGHTS}.part").read_bytes()
    assert part
    assert content.startswith(part)
    assert kiosk.fetch("persons-21k").returncode == 0
    assert kiosk.store.ranges() == [None, f"bytes={len(part)}-"]
    assert (kiosk.weights / WEIGHTS).read_bytes() == content


def test_the_cache_of_hugging_face_is_used(kiosk: Kiosk) -> None:
    """A file that another program has fetched from the hub is copied, not fetched again."""
    kiosk.fill_cache()
    assert kiosk.fetch("persons-21k").returncode == 0
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT
    assert not (kiosk.weights / WEIGHTS).is_symlink()
    assert kiosk.store.requests == []


def test_a_cache_on_a_disk_without_links_is_used(kiosk: Kiosk) -> None:
    """If the cache does not name files by their SHA-256, the hub's SHA-256 is used."""
    kiosk.environment = {"HF_HUB_DISABLE_SYMLINKS": "1"}
    kiosk.fill_cache()
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"SHA-256 {SHA256}, recorded in fetched.yaml, not pinned" in outcome.stdout
    assert kiosk.store.requests == []


@pytest.mark.parametrize("how", ["offline", "no network"])
def test_the_cache_is_enough_if_the_hub_cannot_be_asked(kiosk: Kiosk, how: str) -> None:
    """With HF_HUB_OFFLINE, or without a network, Hugging Face's cache is enough."""
    kiosk.fill_cache()
    offline = {"HF_HUB_OFFLINE": "1"}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    kiosk.environment = offline if how == "offline" else nowhere
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"SHA-256 {SHA256}, recorded in fetched.yaml, not pinned" in outcome.stdout
    assert kiosk.hub.requests == []


@pytest.mark.parametrize(
    "damage", [b"", timm_weights(3), CONTENT[:-1]], ids=["no", "other", "short"]
)
def test_a_damaged_cache_is_reported_and_not_used(kiosk: Kiosk, damage: bytes) -> None:
    """A wrong file in Hugging Face's cache is reported, and fetched from the network."""
    kiosk.fill_cache()
    (kiosk.cached / "blobs" / SHA256).write_bytes(damage)
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"snapshots/{COMMIT}/{FILE} is damaged or not the right file" in outcome.stderr
    assert outcome.stderr.endswith("the file is fetched from the internet instead\n")
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["offline", "no network"])
def test_a_damaged_cache_can_be_repaired(kiosk: Kiosk, how: str) -> None:
    """If the cache is damaged and the hub out of reach, the message says what to delete.

    After it was deleted, a fetch from the hub succeeds.
    """
    kiosk.fill_cache()
    (kiosk.cached / "blobs" / SHA256).write_bytes(timm_weights(3))
    offline = {"HF_HUB_OFFLINE": "1"}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    kiosk.environment = offline if how == "offline" else nowhere
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    words = " ".join(outcome.stderr.split())
    assert "is damaged or not the right file (expected SHA-256 " in words
    assert "Delete it, and run this again, online and without HF_HUB_OFFLINE." in words
    (kiosk.cached / "snapshots" / COMMIT / FILE).unlink()
    kiosk.environment = {}
    again = kiosk.fetch("persons-21k")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_file_brought_by_hand_is_replaced_and_logged(kiosk: Kiosk) -> None:
    """A file in models/weights/ that differs from the hub's is replaced, and its hash is logged."""
    kiosk.weights.mkdir(parents=True)
    (kiosk.weights / WEIGHTS).write_bytes(timm_weights(5))
    outcome = kiosk.fetch("persons-21k")
    brought = hashlib.sha256(timm_weights(5)).hexdigest()
    line = f"persons-21k: replacing models/weights/{WEIGHTS}, whose SHA-256 was {brought}"
    assert outcome.stderr == f"{line}\n"
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT


def test_offline_without_a_cache_is_an_error(kiosk: Kiosk) -> None:
    """With HF_HUB_OFFLINE and no cache there is no request, and the message says why."""
    kiosk.environment = {"HF_HUB_OFFLINE": "1"}
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert (
        "Hugging Face's cache lacks the file, and HF_HUB_OFFLINE forbids a download"
        in outcome.stderr
    )
    assert kiosk.hub.requests == []


def test_a_pinned_file_that_the_hub_has_changed_is_not_begun(kiosk: Kiosk) -> None:
    """If the hub's file is not the one that the kiosk pins, not a byte of it is fetched."""
    kiosk.hub.hub_files[CLIP] = CONTENT
    outcome = kiosk.fetch("clip")
    assert outcome.returncode == 2
    assert "open_clip_model.safetensors has changed" in outcome.stderr
    words = " ".join(outcome.stderr.split())
    assert "). Try another internet connection or a newer version of the kiosk." in words
    assert kiosk.store.requests == []


def test_other_contents_than_the_hub_states_are_refused(kiosk: Kiosk) -> None:
    """Contents with another SHA-256 than the hub states never get the name."""
    kiosk.store.faults.append(Send(timm_weights(4)))
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert "sent a different file (SHA-256 " in outcome.stderr
    assert os.listdir(kiosk.weights) == []


def test_a_sign_in_page_is_not_taken_for_the_hub(kiosk: Kiosk) -> None:
    """A network that answers for the hub with its own page is recognized."""
    kiosk.hub.files[f"/{REPO}/resolve/main/{FILE}"] = b"<html>Welcome</html>"
    outcome = kiosk.fetch("persons-21k", "--once")
    assert outcome.returncode == 2
    assert "does not answer as Hugging Face does. Check HF_ENDPOINT" in outcome.stderr


def test_a_hub_without_the_file_is_an_error(kiosk: Kiosk) -> None:
    """A repository without the file and a busy hub have different messages."""
    kiosk.hub.faults.append(Refuse(503))
    assert "answered 503 (Service Unavailable)" in kiosk.fetch("persons-21k", "--once").stderr
    kiosk.hub.hub_files.clear()
    assert "answered 404 (Not Found)" in kiosk.fetch("persons-21k").stderr


def test_the_server_of_the_contents_may_be_out_of_reach(kiosk: Kiosk) -> None:
    """If a network blocks only the server of the contents, the message names that server."""
    kiosk.store.url = "http://127.0.0.1:9"
    outcome = kiosk.fetch("persons-21k", "--once")
    assert "the connection to 127.0.0.1:9 failed (Connection refused)" in outcome.stderr


def test_all_fetches_what_it_can(kiosk: Kiosk) -> None:
    """`kiosk fetch all` downloads what it can, and reports each origin that failed."""
    nowhere = "http://127.0.0.1:9"
    kiosk.environment = {"http_proxy": nowhere, "https_proxy": nowhere}
    kiosk.hub.hub_files[f"timm/{RESNET}/{FILE}"] = CONTENT
    outcome = kiosk.fetch("all", f"timm/{RESNET}", "--once")
    assert outcome.returncode == 2
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT
    assert (kiosk.weights / f"{RESNET}.safetensors").read_bytes() == CONTENT
    answers = "127.0.0.1:"
    failed = "the connection to "
    starts = [
        f"yunet: {answers}",
        f"yunet: {failed}media.github",
        "yunet: the download failed from every address. Or download https://media.github",
        f"clip: {answers}",
        f"imagenet-safety: {failed}image-net.org",
        "imagenet-safety: the download failed from every address. Or download https://image-net.org/",
    ]
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(starts)
    assert "copy it from a USB stick to" in lines[2]
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(f"kiosk fetch {start}")


@pytest.mark.parametrize(
    ("name", "value", "seen"),
    [
        ("HF_ENDPOINT", "http://127.0.0.1:8o80", "Port could not be cast"),
        ("HF_ENDPOINT", "127.0.0.1:8080", "Request URL is missing an 'http://'"),
        ("all_proxy", "socks5://127.0.0.1:9", "Using SOCKS proxy, but"),
        ("all_proxy", "htp://127.0.0.1:9", "Unknown scheme for proxy URL"),
        ("all_proxy", "http://127.0.0.1:9o", "Invalid port: '9o'"),
    ],
)
def test_a_mistyped_address_does_not_stop_the_other_fetches(
    kiosk: Kiosk, name: str, value: str, seen: str
) -> None:
    """A mistyped address or proxy is reported for each file, and everything is tried."""
    nowhere = "http://127.0.0.1:9"
    kiosk.environment = {"http_proxy": nowhere, "https_proxy": nowhere, name: value}
    outcome = kiosk.fetch("all", "--once")
    assert outcome.returncode == 2
    words = " ".join(outcome.stderr.split())
    for item in ("yunet", "persons-21k", "clip"):
        assert f"kiosk fetch {item}: an address or a proxy is not valid ({seen}" in words
    # A wrong proxy is one for web servers, too.
    failed = 3 if name == "HF_ENDPOINT" else 5
    assert words.count("Check HF_ENDPOINT, HF_TOKEN and the proxies") == failed
    assert "kiosk fetch imagenet-safety: " in words


def test_a_mistyped_hub_is_an_error_in_timm_too(kiosk: Kiosk) -> None:
    """Timm also parses HF_ENDPOINT, and the error has the same words."""
    kiosk.environment = {"HF_ENDPOINT": "http://[::1"}
    outcome = kiosk.fetch(f"timm/{RESNET}")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(
        f"kiosk fetch timm/{RESNET}: an address or a proxy is not valid (Invalid IPv6"
    )


def test_a_hub_that_cannot_be_resolved_is_named(kiosk: Kiosk) -> None:
    """If the host of the hub cannot be resolved, the message names it."""
    kiosk.environment = {"HF_ENDPOINT": "http://kiosk.invalid"}
    outcome = kiosk.fetch("persons-21k", "--once")
    assert "the connection to kiosk.invalid failed (" in outcome.stderr
