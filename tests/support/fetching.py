"""Kiosks that fetch from servers on this machine: one in this process, one as a command."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from installation.errors import FetchError
from installation.making.fetching.catalogue import Item, WebFile
from installation.making.fetching.fetch import Fetch, Fetched
from installation.settings.paths import PROJECT
from tests.support.server import Server, running

CONTENT = bytes(range(256)) * 4096
"""A megabyte, which arrives in many pieces."""
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER = CONTENT[::-1]
"""Another file of the same size."""

REPO = "timm/vit_base_patch16_224.augreg_in21k"
FILE = "model.safetensors"
WEIGHTS = "vit_base_patch16_224.augreg_in21k.safetensors"


@dataclass
class Venue:
    """A folder for weights, a server, and the log and the pauses of a fetch."""

    folder: Path
    server: Server
    pauses: list[float] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    @property
    def item(self) -> Item:
        """The pinned item of the catalogue whose file is on the server."""
        return Item(
            name="thing",
            purpose="the test",
            file="thing.bin",
            licence="MIT",
            origins=(WebFile(f"{self.server.url}/thing"),),
            size=len(CONTENT),
            sha256=SHA256,
        )

    @property
    def file(self) -> Path:
        """The path of the fetched file."""
        return self.folder / "thing.bin"

    @property
    def part(self) -> Path:
        """The path of the partial file."""
        return self.folder / "thing.bin.part"

    def put(self, content: bytes) -> None:
        """Put a file at the path of the fetched file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file.write_bytes(content)

    def fetch(
        self,
        item: Item | None = None,
        *,
        sha256: str | None = None,
        attempts: int = 5,
        timeout_s: float = 10,
    ) -> Fetched:
        """Fetch the file, and record the pauses instead of waiting."""
        fetch = Fetch(
            item or self.item, self.folder, attempts, timeout_s, self.pauses.append, self.log.append
        )
        return fetch.run(sha256)

    def state(self, item: Item | None = None) -> str:
        """Return the state of the file, in words."""
        return Fetch(item or self.item, self.folder).state()

    def refuses(self, item: Item | None = None, sha256: str | None = None) -> str:
        """Return the error of a fetch that fails; no file gets the final name."""
        with pytest.raises(FetchError) as caught:
            self.fetch(item, sha256=sha256)
        assert not self.file.exists()
        for mistake in caught.value.mistakes:
            assert mistake.where
            assert mistake.remedy.endswith(".")
        return str(caught.value)


@contextmanager
def open_venue(folder: Path) -> Iterator[Venue]:
    """Yield a venue whose server has the file."""
    with running() as server:
        server.files["/thing"] = CONTENT
        yield Venue(folder / "models" / "weights", server)


def timm_weights(seed: int) -> bytes:
    """Return a file like timm's on the hub: its real names, and its head of 21,843 classes."""
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


@dataclass
class Kiosk:
    """A copy of the kiosk, the hub that it contacts, and the server that has the hub's contents."""

    folder: Path
    hub: Server
    store: Server
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
        """Start Python in the kiosk's folder, where it finds the copy of the package first."""
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
        """Run `kiosk fetch` until it ends."""
        process = self.start("-m", "installation", "fetch", *arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def fill_cache(self) -> None:
        """Let Hugging Face's own library put the file into its cache."""
        call = f"import huggingface_hub; huggingface_hub.hf_hub_download({REPO!r}, {FILE!r})"
        process = self.start("-c", call)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        self.hub.requests.clear()
        self.store.requests.clear()


@contextmanager
def open_kiosk(folder: Path) -> Iterator[Kiosk]:
    """Yield a kiosk whose hub has timm's network."""
    without_networks = shutil.ignore_patterns("*.onnx")  # They are large, and no show starts here.
    shutil.copytree(PROJECT / "installation", folder / "installation", ignore=without_networks)
    shutil.copy(PROJECT / "kiosk.yaml", folder)
    with running() as store, running() as hub:
        hub.store = store
        hub.hub_files[f"{REPO}/{FILE}"] = timm_weights(1)
        yield Kiosk(folder, hub, store)
