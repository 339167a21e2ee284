"""Decides when a camera with faulty pictures is opened again.

Reopening the camera corrects faults of the driver or of the camera's settings, such as a wrong size
or a stuck exposure. It does not help against a lens cap. So the camera is reopened once for each
fault. It is reopened for the same fault again only after the fault was absent for `AWAY_S`.
Meanwhile the mirror shows the faulty pictures.
"""

from __future__ import annotations

from installation.errors import Mistake
from installation.running.progress import CameraFault
from installation.seeing.cameras.camera import FaultyPicturesError

PATIENCE_S = {
    CameraFault.BLACK: 10.0,
    CameraFault.OVEREXPOSED: 10.0,
    CameraFault.TORN: 5.0,
    CameraFault.OTHER_SIZE: 1.0,
    CameraFault.SLOW: 15.0,
}
"""How long each fault must last before the camera is opened again, s."""

AWAY_S = 300.0
"""How long a fault must be absent before the camera may be reopened for it again, s."""

IN_WORDS = {
    CameraFault.BLACK: "its pictures are black, as with a cap or a shutter in front of the lens",
    CameraFault.OVEREXPOSED: "its pictures are white, as with a lamp in front of the lens",
    CameraFault.TORN: "many of its pictures arrive damaged",
    CameraFault.OTHER_SIZE: "its pictures do not have the negotiated size",
    CameraFault.SLOW: ("it sends less than half of the negotiated frame rate"),
}
"""The words in the log for each fault."""


class CameraCare:
    """Records the faults of one camera, and keeps the record while the camera is opened again."""

    def __init__(self) -> None:
        self._since: dict[CameraFault, float] = {}
        self._tried: set[CameraFault] = set()
        self._absent_since: dict[CameraFault, float] = {}
        self.faults = CameraFault(0)
        """The faults at the last call of `check`."""

    def check(self, faults: CameraFault, now: float, name: str) -> list[str]:
        """Store the `faults` of the camera called `name`, and return lines for the log.

        Raises FaultyPicturesError if the camera must be opened again.
        """
        lines = [
            f"camera: {words}." if faults & fault else f"camera: a fault has ended ({words})."
            for fault, words in IN_WORDS.items()
            if (faults ^ self.faults) & fault
        ]
        self.faults = faults
        for fault, patience_s in PATIENCE_S.items():
            if not faults & fault:
                self._since.pop(fault, None)
                if now - self._absent_since.setdefault(fault, now) >= AWAY_S:
                    self._tried.discard(fault)
                continue
            self._absent_since.pop(fault, None)
            if now - self._since.setdefault(fault, now) >= patience_s and fault not in self._tried:
                self._tried.add(fault)
                self._since.pop(fault)
                remedy = "The show reopens the camera once."
                raise FaultyPicturesError(Mistake(name, IN_WORDS[fault], remedy), fault)
        return lines
