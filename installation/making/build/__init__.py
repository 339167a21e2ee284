"""Building a label set: from its rows or pictures to the numbers that the show reads."""
