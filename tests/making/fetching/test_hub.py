from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file, save

from installation.cli.main import main
from installation.settings.paths import PROJECT
from tests.support.server import COMMIT, Drop, Refuse, Send, Server, Stall, running

REPO = "timm/vit_base_patch16_224.augreg_in21k"
FILE = "model.safetensors"
WEIGHTS = "vit_base_patch16_224.augreg_in21k.safetensors"
RESNET = "resnet50.a1_in1k"
CLIP = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K/open_clip_model.safetensors"


def weights(seed: int) -> bytes:
    """Return a file as timm's on the hub: the real names, and the real head of 21,843 classes."""
    random = np.random.default_rng(seed)
    shapes = {
        "cls_token": (1, 1, 8),
        "pos_embed": (1, 197, 8),
        "patch_embed.proj.weight": (8, 3, 16, 16),
        "head.weight": (21843, 8),
        "head.bias": (21843,),
    }
    tensors = {name: random.random(shape, np.float32) for name, shape in shapes.items()}
    return save(tensors, metadata={"format": "pt"})


CONTENT = weights(1)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


@dataclass
class Kiosk:
    """A kiosk of its own, the hub it asks, and where the hub keeps its files."""

    folder: Path
    hub: Server
    elsewhere: Server
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def weights(self) -> Path:
        """Its models/weights/."""
        return self.folder / "models" / "weights"

    @property
    def cached(self) -> Path:
        """The folder of Hugging Face's cache for the network."""
        return self.folder / "cache" / "hub" / f"models--{REPO.replace('/', '--')}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start Python in the kiosk's folder, where it finds the kiosk's own package first."""
        return subprocess.Popen(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith("HF_")},
                "NO_PROXY": "127.0.0.1",
                "HF_ENDPOINT": self.hub.url,
                "HF_HOME": str(self.folder / "cache"),
                **self.environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def fetch(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `kiosk fetch` to its end."""
        process = self.start("-m", "installation", "fetch", *arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def fill_cache(self) -> None:
        """Let Hugging Face's own library put the file into its cache."""
        call = f"import huggingface_hub; huggingface_hub.hf_hub_download({REPO!r}, {FILE!r})"
        process = self.start("-c", call)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        self.hub.asked.clear()
        self.elsewhere.asked.clear()


@pytest.fixture
def kiosk(tmp_path: Path) -> Iterator[Kiosk]:
    """Return a kiosk whose hub has timm's network."""
    shutil.copytree(PROJECT / "installation", tmp_path / "installation")
    with running() as elsewhere, running() as hub:
        hub.elsewhere = elsewhere
        hub.hub[f"{REPO}/{FILE}"] = CONTENT
        yield Kiosk(tmp_path, hub, elsewhere)


def test_the_network_of_all_persons_is_fetched_from_the_hub(kiosk: Kiosk) -> None:
    """`kiosk fetch persons-21k` brings the hub's file, checked by what the hub says of it."""
    kiosk.environment = {"HF_TOKEN": "hf_secret"}
    outcome = kiosk.fetch("persons-21k")
    assert (outcome.returncode, outcome.stderr) == (0, "")
    assert f"persons-21k has been fetched: models/weights/{WEIGHTS}" in outcome.stdout
    assert f"SHA-256 {SHA256}, as Hugging Face states it" in outcome.stdout
    assert load_file(kiosk.weights / WEIGHTS)["head.weight"].shape == (21843, 8)
    record = yaml.safe_load((kiosk.weights / "fetched.yaml").read_text())
    assert record[WEIGHTS]["sha256"] == SHA256
    assert [(asked.method, asked.path) for asked in kiosk.hub.asked] == [
        ("HEAD", f"/{REPO}/resolve/main/{FILE}"),
        ("GET", f"/{REPO}/resolve/{COMMIT}/{FILE}"),
    ]
    assert {asked.authorization for asked in kiosk.hub.asked} == {"Bearer hf_secret"}
    assert [asked.authorization for asked in kiosk.elsewhere.asked] == [None]
    assert "torch" not in kiosk.hub.asked[0].agent
    assert not (kiosk.folder / "cache" / "hub").exists()


def test_a_second_fetch_asks_nobody(kiosk: Kiosk) -> None:
    """What was fetched from the hub is checked by the record and needs no network any more."""
    kiosk.fetch("persons-21k")
    kiosk.hub.asked.clear()
    outcome = kiosk.fetch("persons-21k")
    assert "persons-21k is there already" in outcome.stdout
    assert "as it was when it was first fetched" in outcome.stdout
    assert kiosk.hub.asked == []


def test_another_network_than_the_first_is_refused(kiosk: Kiosk) -> None:
    """Where the hub has another file than at the first fetch, it is refused unless asked for."""
    kiosk.fetch("persons-21k")
    other = weights(2)
    kiosk.hub.hub[f"{REPO}/{FILE}"] = other
    (kiosk.weights / WEIGHTS).unlink()
    kiosk.elsewhere.asked.clear()
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert f"is another file now (SHA-256 {hashlib.sha256(other).hexdigest()}" in outcome.stderr
    assert kiosk.elsewhere.asked == []
    assert kiosk.fetch("persons-21k", "--sha256", hashlib.sha256(other).hexdigest()).returncode == 0
    assert (kiosk.weights / WEIGHTS).read_bytes() == other


def test_an_interrupted_fetch_from_the_hub_goes_on(kiosk: Kiosk) -> None:
    """What came from the hub before the connection broke is not fetched again."""
    kiosk.elsewhere.faults.append(Drop(HALF))
    broken = kiosk.fetch("persons-21k", "--once")
    assert broken.returncode == 2
    assert broken.stderr.startswith("kiosk fetch persons-21k: the connection broke after ")
    assert not (kiosk.weights / WEIGHTS).exists()
    assert kiosk.fetch("persons-21k").returncode == 0
    assert kiosk.elsewhere.gets() == [None, f"bytes={HALF}-"]


def test_ctrl_c_leaves_what_has_come(kiosk: Kiosk) -> None:
    """Ctrl-C ends a fetch at once, and the next one goes on with what had come."""
    # More than the sockets' buffers hold, so that much of it has come once the server is silent.
    content = CONTENT * 40
    kiosk.hub.hub[f"{REPO}/{FILE}"] = content
    kiosk.elsewhere.faults.append(Stall(len(content) - 1000))
    # A shell that runs the tests in the background lets them, and what they start, ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = kiosk.start("-m", "installation", "fetch", "persons-21k")
    signal.signal(signal.SIGINT, before)
    assert kiosk.elsewhere.silent.wait(60)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (130, "", "")
    part = (kiosk.weights / f"{WEIGHTS}.part").read_bytes()
    assert part
    assert content.startswith(part)
    assert kiosk.fetch("persons-21k").returncode == 0
    assert kiosk.elsewhere.gets() == [None, f"bytes={len(part)}-"]
    assert (kiosk.weights / WEIGHTS).read_bytes() == content


def test_the_cache_of_hugging_face_is_taken(kiosk: Kiosk) -> None:
    """A file that other programs have fetched from the hub is copied, not fetched again."""
    kiosk.fill_cache()
    assert kiosk.fetch("persons-21k").returncode == 0
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT
    assert not (kiosk.weights / WEIGHTS).is_symlink()
    assert kiosk.elsewhere.asked == []


def test_a_cache_on_a_disk_without_links_is_taken(kiosk: Kiosk) -> None:
    """Where the cache does not name files by their SHA-256, the hub's own word holds."""
    kiosk.environment = {"HF_HUB_DISABLE_SYMLINKS": "1"}
    kiosk.fill_cache()
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"SHA-256 {SHA256}, as Hugging Face states it" in outcome.stdout
    assert kiosk.elsewhere.asked == []


@pytest.mark.parametrize("how", ["offline", "no network"])
def test_the_cache_serves_where_the_hub_cannot_be_asked(kiosk: Kiosk, how: str) -> None:
    """With HF_HUB_OFFLINE, or without a network, Hugging Face's cache is enough."""
    kiosk.fill_cache()
    offline = {"HF_HUB_OFFLINE": "1"}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    kiosk.environment = offline if how == "offline" else nowhere
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"SHA-256 {SHA256}, as Hugging Face states it" in outcome.stdout
    assert kiosk.hub.asked == []


@pytest.mark.parametrize("damage", [b"", weights(3), CONTENT[:-1]], ids=["no", "other", "short"])
def test_a_damaged_cache_is_told_and_passed_over(kiosk: Kiosk, damage: bytes) -> None:
    """What lies in Hugging Face's cache is checked, and where it is wrong the network is asked."""
    kiosk.fill_cache()
    (kiosk.cached / "blobs" / SHA256).write_bytes(damage)
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 0, outcome.stderr
    assert f"snapshots/{COMMIT}/{FILE} is damaged or another file" in outcome.stderr
    assert outcome.stderr.endswith("it is fetched from the network\n")
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["offline", "no network"])
def test_a_damaged_cache_can_be_mended(kiosk: Kiosk, how: str) -> None:
    """Where nobody can be asked, the message says what to delete, and that helps."""
    kiosk.fill_cache()
    (kiosk.cached / "blobs" / SHA256).write_bytes(weights(3))
    offline = {"HF_HUB_OFFLINE": "1"}
    nowhere = {"HF_ENDPOINT": "http://127.0.0.1:9"}
    kiosk.environment = offline if how == "offline" else nowhere
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    words = " ".join(outcome.stderr.split())
    assert "is damaged or another file (expected SHA-256" in words
    assert "Delete it, and run this again with a network and without HF_HUB_OFFLINE." in words
    (kiosk.cached / "snapshots" / COMMIT / FILE).unlink()
    kiosk.environment = {}
    again = kiosk.fetch("persons-21k")
    assert (again.returncode, again.stderr) == (0, "")


def test_a_file_brought_by_hand_is_not_replaced_unsaid(kiosk: Kiosk) -> None:
    """Where the hub has another file than somebody has brought, that one is named and replaced."""
    kiosk.weights.mkdir(parents=True)
    (kiosk.weights / WEIGHTS).write_bytes(weights(5))
    outcome = kiosk.fetch("persons-21k")
    brought = hashlib.sha256(weights(5)).hexdigest()
    said = f"persons-21k: models/weights/{WEIGHTS} is another file, SHA-256 {brought}; "
    assert outcome.stderr == f"{said}it is replaced\n"
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT


def test_offline_without_a_cache_is_told(kiosk: Kiosk) -> None:
    """With HF_HUB_OFFLINE and no cache nobody is asked, and the message says why."""
    kiosk.environment = {"HF_HUB_OFFLINE": "1"}
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert "HF_HUB_OFFLINE is set, and the file is not in Hugging Face's cache" in outcome.stderr
    assert kiosk.hub.asked == []


def test_a_pinned_file_that_the_hub_has_changed_is_not_begun(kiosk: Kiosk) -> None:
    """Where the hub's file is not the one that the kiosk pins, not a byte of it is fetched."""
    kiosk.hub.hub[CLIP] = CONTENT
    outcome = kiosk.fetch("clip")
    assert outcome.returncode == 2
    assert "open_clip_model.safetensors is another file now" in outcome.stderr
    words = " ".join(outcome.stderr.split())
    assert "as the kiosk pins it). Fetch it over another network" in words
    assert kiosk.elsewhere.asked == []


def test_a_hub_that_lies_is_told(kiosk: Kiosk) -> None:
    """Contents that differ from what the hub itself says of them never get the name."""
    kiosk.elsewhere.faults.append(Send(weights(4)))
    outcome = kiosk.fetch("persons-21k")
    assert outcome.returncode == 2
    assert "is another file (SHA-256 " in outcome.stderr
    assert os.listdir(kiosk.weights) == []


def test_a_sign_in_page_is_not_taken_for_the_hub(kiosk: Kiosk) -> None:
    """A network that answers for the hub with a page of its own is found out."""
    kiosk.hub.files[f"/{REPO}/resolve/main/{FILE}"] = b"<html>Welcome</html>"
    outcome = kiosk.fetch("persons-21k", "--once")
    assert outcome.returncode == 2
    assert "does not answer as Hugging Face does. Check HF_ENDPOINT" in outcome.stderr


def test_a_hub_without_the_file_is_told(kiosk: Kiosk) -> None:
    """A repository that has lost its file, and a busy hub, are told apart."""
    kiosk.hub.faults.append(Refuse(503))
    assert "cannot serve it now (HTTP 503)" in kiosk.fetch("persons-21k", "--once").stderr
    kiosk.hub.hub.clear()
    assert "has no such file (HTTP 404)" in kiosk.fetch("persons-21k").stderr


def test_where_the_contents_are_kept_may_be_out_of_reach(kiosk: Kiosk) -> None:
    """A network that lets the hub through, but not where it keeps its files, is told so."""
    kiosk.elsewhere.url = "http://127.0.0.1:9"
    outcome = kiosk.fetch("persons-21k", "--once")
    assert "127.0.0.1:9 cannot be reached (Connection refused)" in outcome.stderr


def test_all_is_tried_whatever_fails(kiosk: Kiosk) -> None:
    """`kiosk fetch all` brings what it can, and names what it could not with where it asked."""
    nowhere = "http://127.0.0.1:9"
    kiosk.environment = {"http_proxy": nowhere, "https_proxy": nowhere}
    kiosk.hub.hub[f"timm/{RESNET}/{FILE}"] = CONTENT
    outcome = kiosk.fetch("all", f"timm/{RESNET}", "--once")
    assert outcome.returncode == 2
    assert (kiosk.weights / WEIGHTS).read_bytes() == CONTENT
    assert (kiosk.weights / f"{RESNET}.safetensors").read_bytes() == CONTENT
    starts = ["yunet: 127", "yunet: media.github", "clip: 127", "imagenet-safety: image-net.org"]
    lines = outcome.stderr.splitlines()
    assert len(lines) == len(starts)
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
def test_what_is_mistyped_ends_no_fetch_in_the_middle(
    kiosk: Kiosk, name: str, value: str, seen: str
) -> None:
    """A mistyped address or proxy is told for each file, and everything is tried."""
    nowhere = "http://127.0.0.1:9"
    kiosk.environment = {"http_proxy": nowhere, "https_proxy": nowhere, name: value}
    outcome = kiosk.fetch("all", "--once")
    assert outcome.returncode == 2
    words = " ".join(outcome.stderr.split())
    for item in ("yunet", "persons-21k", "clip"):
        assert f"kiosk fetch {item}: the address or a proxy is no right one ({seen}" in words
    assert words.count("Check HF_ENDPOINT and the proxies") == 3
    assert "kiosk fetch imagenet-safety: image-net.org cannot be reached" in words


def test_a_mistyped_hub_is_told_where_timm_is_asked(kiosk: Kiosk) -> None:
    """The library timm reads HF_ENDPOINT, too, and what is wrong with it is the same sentence."""
    kiosk.environment = {"HF_ENDPOINT": "http://[::1"}
    outcome = kiosk.fetch(f"timm/{RESNET}")
    assert outcome.returncode == 2
    assert outcome.stderr.startswith(
        f"kiosk fetch timm/{RESNET}: the address or a proxy is no right one (Invalid IPv6"
    )


def test_a_hub_that_cannot_be_found_is_told(kiosk: Kiosk) -> None:
    """A hub whose name is not known is told as the missing network that it mostly is."""
    kiosk.environment = {"HF_ENDPOINT": "http://kiosk.invalid"}
    outcome = kiosk.fetch("persons-21k", "--once")
    assert "kiosk.invalid cannot be found: there is no network" in outcome.stderr


def test_without_a_name_the_table_is_printed(kiosk: Kiosk) -> None:
    """`kiosk fetch` says what there is, what it is for, its licence, and what is there already."""
    kiosk.fetch("persons-21k")
    outcome = kiosk.fetch()
    assert outcome.returncode == 0
    for words in ("yunet: not there", "persons-21k: there", "clip: not there", "licence  MIT"):
        assert words in outcome.stdout
    assert "imagenet-safety: not there" in outcome.stdout


def test_every_name_is_looked_up_before_anything_is_fetched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Names that stand for nothing are told all at once, beside `all`, too, and nothing begins."""
    assert main(["fetch", "all", "yunnet", "timm/qqq"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "kiosk fetch: nothing is called 'yunnet'. Did you mean 'yunet'?"
    assert lines[1].startswith("kiosk fetch timm/qqq: timm has no network of that name")
    assert len(lines) == 2


@pytest.mark.parametrize("names", [[], ["all"], ["clip", "yunet"]])
def test_one_sha256_is_for_one_name(names: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """--sha256 with several names, or with all, is refused before anything is fetched."""
    assert main(["fetch", *names, "--sha256", SHA256]) == 2
    assert capsys.readouterr().err.startswith("--sha256: it says what one file must have")
