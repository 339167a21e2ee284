"""What holds for every test of this room."""

import torch

# Networks as small as MTCNN's gain nothing from a second thread, and wait long for one that other
# programs hold up.
torch.set_num_threads(1)
