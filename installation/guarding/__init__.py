"""The sandbox: no picture of a visitor is stored or sent, and each start proves it.

There are three stages: stage one, the middle stage and stage two. A launcher with one thread enters
stage one before any part of the show is loaded, and all later threads and processes inherit this
stage. In it, Landlock denies writing to the file system, and a seccomp filter denies the system
calls that Landlock does not cover. Under stage one, the show opens its window and finds its fonts.
Then it enters the middle stage, which denies new sockets, programs, processes and shared memory.
Only then does it load torch, label sets and networks, because they may contain dangerous code.
Before the first frame it enters stage two, which allows only the system calls of a running show and
lets no file grow. Then the show searches everything that the start-up left open, runs every probe,
and opens the camera only if every probe was refused.

Read in this order: `stage_one`, `layers`, `guard`, `middle_stage`, `stage_two`, `open_files`,
`self_test`, `probes`.
"""
