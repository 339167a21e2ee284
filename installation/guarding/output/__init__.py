"""A show's events, log and report, which pass through filters outside the sandbox."""
