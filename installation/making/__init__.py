"""The work before a show. It may write files and connect to other computers; a show may not.

Progress bars get a lock for the threads of one process. tqdm's own lock is for several processes:
from Python 3.14 on, it starts a further process, which watches a semaphore and prints a warning at
the end.
"""

import threading

from tqdm import tqdm

tqdm.set_lock(threading.RLock())
