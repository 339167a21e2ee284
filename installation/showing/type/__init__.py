"""Type: which font draws a letter, where lines break, and how a paragraph is set on a panel."""
