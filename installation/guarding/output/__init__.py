"""What leaves a show: its lines, log and report, through filters outside the sandbox."""
