"""The commands: the one place that reads arguments, prints, and ends the process."""
