"""The clock, the mailbox between threads, worker threads, the supervisor, and measurements."""
