"""Building a label set: its rows or pictures become the tensors that the show reads."""
