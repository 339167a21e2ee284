"""From what a network says to a score for each label: one scorer for each method."""
