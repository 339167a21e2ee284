"""Rectangles on a frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle in full-frame px, x to the right and y down; it may extend beyond the frame."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def from_centre(cls, x: float, y: float, width: float, height: float) -> Box:
        """Return the box of `width` × `height` px around the point `x, y`."""
        return cls(x - width / 2, y - height / 2, x + width / 2, y + height / 2)

    @property
    def width(self) -> float:
        """Width, px; never negative."""
        return max(0.0, self.x1 - self.x0)

    @property
    def height(self) -> float:
        """Height, px; never negative."""
        return max(0.0, self.y1 - self.y0)

    @property
    def area(self) -> float:
        """Area, px²."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The middle `x, y`, px."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def contains(self, x: float, y: float) -> bool:
        """Return whether the point `x, y` is in the box; the right and lower edges are outside."""
        return self.x0 <= x < self.x1 and self.y0 <= y < self.y1

    def iou(self, other: Box) -> float:
        """Return the intersection over the union with `other`, 0–1; 0 if both are empty."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.area + other.area - shared)

    def scaled(self, factor: float) -> Box:
        """Return the box with all its coordinates multiplied by `factor`."""
        return Box(self.x0 * factor, self.y0 * factor, self.x1 * factor, self.y1 * factor)
