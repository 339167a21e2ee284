"""Names visitors: label sets, encoders, readings, verdicts."""
