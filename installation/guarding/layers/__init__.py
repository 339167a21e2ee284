"""The layers of the sandbox, which the kernel enforces: Landlock, seccomp filters and limits."""
