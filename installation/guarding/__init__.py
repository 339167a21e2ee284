"""The sandbox: no picture of a visitor is stored or sent, and each start proves it.

There are two stages. A launcher with one thread enters stage one before anything of the show is
loaded, and everything that follows inherits it: Landlock denies writing to the file system, and a
seccomp filter denies the system calls that Landlock does not cover. The show starts up under it.
Before the first frame it enters stage two: no new sockets, programs, processes or shared memory,
and no file may grow. Then it searches what the start-up has left open, runs every probe, and opens
the camera only if all of them were refused.

Read in this order: `stage_one`, `layers`, `guard`, `stage_two`, `open_files`, `self_test`,
`probes`.
"""
