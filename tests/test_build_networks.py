"""The networks' files that are part of the repository, and the script that makes them."""

from __future__ import annotations

import hashlib

import pytest

from installation.naming.networks import efficientnet
from installation.seeing.faces import mtcnn
from scripts import build_networks


@pytest.mark.slow
def test_the_files_are_what_the_script_makes_of_the_packages_weights() -> None:
    """Every byte comes from the pinned weights of the two packages, whose licences allow it."""
    made = build_networks.build_all()
    assert {file.name for file in made} == {*mtcnn.NETWORK_SHA256S, efficientnet.FILE.name}
    for file, data in made.items():
        assert file.read_bytes() == data


def test_the_files_have_their_pinned_hashes() -> None:
    """The network files in the repository have the SHA-256 that the show requires."""
    pins = {mtcnn.FOLDER / name: sha256 for name, sha256 in mtcnn.NETWORK_SHA256S.items()}
    for file, sha256 in (pins | {efficientnet.FILE: efficientnet.FILE_SHA256}).items():
        assert hashlib.sha256(file.read_bytes()).hexdigest() == sha256
