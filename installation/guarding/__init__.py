"""What may never happen, and the proof that it cannot: no picture of a visitor leaves the memory.

Two stages. The first is entered by a launcher with one thread, before anything of the show is
loaded, and is inherited by all that follows: Landlock takes away writing to the file system, a
seccomp filter takes away the system calls that Landlock does not see. The show starts up under it,
and before the first frame it enters the second: no new sockets, programs, processes or shared
memory, and no file may grow. Then it looks through what the start has left open, tries to break out
in every way listed in `attempts`, and opens the camera only if all of them were refused.

Read in this order: `launcher`, `landlock`, `seccomp`, `limits`, `sealing`, `openings`, `attempts`.
"""
