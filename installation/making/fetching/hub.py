"""Finds a file on Hugging Face: its address, its SHA-256, and the copy in this machine's cache.

huggingface_hub is used, so that HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN and the proxies work
as in other programs.
"""

from __future__ import annotations

from pathlib import Path

import httpx2
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.file_download import HfFileMetadata
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # no __all__

from installation.errors import FetchError, Mistake
from installation.making.fetching.catalogue import HubFile
from installation.making.fetching.checksum import SHA256_PATTERN
from installation.making.fetching.download import Address, host_of, network_errors, refusal


def locate(origin: HubFile, timeout_s: float, where: str) -> Address:
    """Return the address of a file, with its copy in the cache if there is one.

    If the hub cannot be reached, a copy in the cache is enough. Raises FetchError.
    """
    url = hf_hub_url(origin.repo, origin.file, revision=origin.revision)
    try:
        metadata = _metadata(url, timeout_s, where)
    except FetchError:
        cached = _cached(origin, origin.revision)
        if cached is None:
            raise
        # The cache names the contents by the SHA-256, except on a disk without links.
        return Address(None, sha256=_sha256(cached.resolve().name), cached=cached)
    return Address(
        hf_hub_url(origin.repo, origin.file, revision=metadata.commit_hash),
        build_hf_headers(library_name="kiosk"),
        metadata.size,
        _sha256(metadata.etag or ""),
        _cached(origin, metadata.commit_hash or ""),
    )


def _metadata(url: str, timeout_s: float, where: str) -> HfFileMetadata:
    """Return the hub's metadata about the file at `url`; raises FetchError."""
    with network_errors(where):
        try:
            metadata = get_hf_file_metadata(url, timeout=timeout_s, library_name="kiosk")
        except OfflineModeIsEnabled:
            problem = "Hugging Face's cache lacks the file, and HF_HUB_OFFLINE forbids a download"
            remedy = "Unset HF_HUB_OFFLINE, or set HF_HOME to the folder with the cache."
            raise FetchError(Mistake(where, problem, remedy)) from None
        except HfHubHTTPError as error:
            raise refusal(where, error.response) from None
    if metadata.commit_hash is None or metadata.etag is None:
        problem = f"{host_of(httpx2.URL(url))} does not answer as Hugging Face does"
        remedy = "Check HF_ENDPOINT, and whether the internet connection needs a sign-in."
        raise FetchError(Mistake(where, problem, remedy))
    return metadata


def _sha256(text: str) -> str | None:
    """Return `text` if it is a SHA-256; otherwise None.

    `text` is a file's ETag, or its name in the cache. Hugging Face's ETag of a large file is the
    file's SHA-256; a small file's ETag is not.
    """
    return text if SHA256_PATTERN.fullmatch(text) else None


def _cached(origin: HubFile, revision: str) -> Path | None:
    found = try_to_load_from_cache(origin.repo, origin.file, revision=revision)
    return Path(found) if isinstance(found, str) else None
