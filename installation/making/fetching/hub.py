"""Where Hugging Face has a file, what it says of it, and whether this machine already has it.

By `huggingface_hub`, so that HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE, HF_TOKEN and the proxies mean
what people know.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from httpx2 import HTTPError, InvalidURL, UnsupportedProtocol
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]  # no __all__

from installation.errors import FetchError, Mistake
from installation.making.fetching.catalogue import Hub
from installation.making.fetching.download import Address, Cached, mistyped, refused, unreachable

SHA256 = re.compile(r"[0-9a-f]{64}")
"""The ETag of a large file on the hub is its SHA-256; that of a small one is not."""


def locate(hub: Hub, timeout_s: float, where: str) -> Address | Cached:
    """Return where the hub has the file, or the file in the cache of this machine.

    The cache is taken where it holds what the hub has now, and where there is no hub to ask. What
    is in it has not been checked. Raises PassingError where another try may succeed, and FetchError
    where none will.
    """
    url = hf_hub_url(hub.repo, hub.file, revision=hub.revision)
    host = urlsplit(url).netloc
    try:
        metadata = get_hf_file_metadata(url, timeout=timeout_s, library_name="kiosk")
    except OfflineModeIsEnabled:
        if cached := _cached(hub, hub.revision):
            return Cached(cached, _stated_of(cached), None)
        what = "HF_HUB_OFFLINE is set, and the file is not in Hugging Face's cache"
        remedy = "Unset it, or set HF_HOME to the folder that holds the cache."
        raise FetchError(Mistake(where, what, remedy)) from None
    except HfHubHTTPError as error:
        raise refused(where, host, error.response.status_code) from None
    except (InvalidURL, UnsupportedProtocol, ImportError) as error:
        # The last is raised for a SOCKS proxy without the package for it.
        raise mistyped(where, str(error)) from None
    except (HTTPError, OSError) as error:
        if cached := _cached(hub, hub.revision):
            return Cached(cached, _stated_of(cached), None)
        raise unreachable(where, host, error) from None
    except ValueError as error:
        raise mistyped(where, str(error)) from None
    if metadata.commit_hash is None or metadata.etag is None:
        what = f"{host} does not answer as Hugging Face does"
        remedy = "Check HF_ENDPOINT, and that the network wants no sign-in first."
        raise FetchError(Mistake(where, what, remedy))
    sha256 = metadata.etag if SHA256.fullmatch(metadata.etag) else None
    url = hf_hub_url(hub.repo, hub.file, revision=metadata.commit_hash)
    address = Address(url, build_hf_headers(library_name="kiosk"), metadata.size, sha256)
    if cached := _cached(hub, metadata.commit_hash):
        return Cached(cached, sha256, address)
    return address


def _stated_of(cached: Path) -> str | None:
    """Return the SHA-256 that the hub stated of a file in its cache, where it did.

    The cache names the file's contents by it, except where the disk has no links.
    """
    name = cached.resolve().name
    return name if SHA256.fullmatch(name) else None


def _cached(hub: Hub, revision: str) -> Path | None:
    found = try_to_load_from_cache(hub.repo, hub.file, revision=revision)
    return Path(found) if isinstance(found, str) else None
