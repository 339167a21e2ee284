"""The clock, the mailbox between threads, worker threads, and measurements of the show."""
