"""Computes the parts of a meter: the bar that shows each name's share of the evidence."""

from __future__ import annotations

from installation.showing.scene import Bar, Meter, Rect

PARTS = 100
"""The number of parts of a meter; each part stands for 1 % of the evidence."""

GROUP_GAP = 3
"""A gap between two parts of different colours is about this many times as wide as a gap between
two parts of one colour. It is wider because green and grey are about equally light.
"""


def parts(meter: Meter) -> list[Bar]:
    """Return the parts of `meter`, from the first one on."""
    rect = meter.rect
    colours = [colour for count, colour in meter.groups for _ in range(count)]
    gap = 1 if rect.width >= 3 * PARTS else 0
    gap = max(gap, rect.width // (5 * PARTS))
    edges = [rect.x + round(part * rect.width / PARTS) for part in range(PARTS + 1)]
    bars = []
    for number, colour in enumerate(colours):
        left, right = edges[number], edges[number + 1] - gap
        if number and colours[number - 1] != colour:
            left += 1
        if number + 1 < len(colours) and colours[number + 1] != colour:
            right = edges[number + 1] - max(2, GROUP_GAP * gap)
        width = max(1, right - left)
        x = rect.x + rect.right - left - width if meter.fills_from_right else left
        bars.append(Bar(Rect(x, rect.y, width, rect.height), colour))
    return bars
