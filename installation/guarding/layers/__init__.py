"""What the kernel is asked to refuse: Landlock, seccomp, limits, and the system calls they need."""
