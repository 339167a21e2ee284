"""The sandbox: no picture of a visitor is stored or sent, and each start proves it.

There are two stages. A launcher with one thread enters stage one before any part of the show is
loaded, and all later threads and processes inherit it: Landlock denies writing to the file system,
and a seccomp filter denies the system calls that Landlock does not cover. The show starts up under
stage one. Before the first frame it enters stage two: no new sockets, programs, processes or shared
memory, and no file may grow. Then it searches everything that the start-up left open, runs every
probe, and opens the camera only if every probe was refused.

Read in this order: `stage_one`, `layers`, `guard`, `stage_two`, `open_files`, `self_test`,
`probes`.
"""
