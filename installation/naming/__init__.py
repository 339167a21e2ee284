"""What the machine calls it: label sets, encoders, readings, verdicts."""
