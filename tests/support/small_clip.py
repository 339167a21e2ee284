"""CLIPs of open_clip's own making, with random weights, in files as the real one is."""

from __future__ import annotations

import math
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

from installation.naming.networks.timm_network import VIT_B_32, Architecture, Tower

SMALL = Architecture(image=Tower(128, 2), text=Tower(64, 2), features=32, size=64)
"""Two heads in one tower and one in the other; the tokenizer asks for the true vocabulary."""

SHALLOW = Architecture(
    image=Tower(VIT_B_32.image.width, 1), text=Tower(VIT_B_32.text.width, 1), features=512
)
"""ViT-B-32 with one layer in each tower: every tensor that is there has its true shape."""


def small_clip(file: Path, architecture: Architecture = SMALL, seed: int = 0) -> open_clip.CLIP:
    """Write a CLIP into `file`, all of its parts drawn by `seed`, and return open_clip's own."""
    text = architecture.text
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        clip = open_clip.CLIP(
            architecture.features,
            vision_cfg={
                "image_size": architecture.size,
                "layers": architecture.image.layers,
                "width": architecture.image.width,
                "patch_size": architecture.patch,
            },
            text_cfg={
                "context_length": architecture.context,
                "vocab_size": architecture.vocabulary,
                "width": text.width,
                "heads": text.heads,
                "layers": text.layers,
            },
        ).eval()
        with torch.no_grad():
            for name, parameter in clip.named_parameters():
                if parameter.ndim == 1:  # norms and biases begin as ones and noughts, all alike
                    parameter += 0.1 * torch.randn_like(parameter)
                elif name == "token_embedding.weight":
                    parameter *= 20
            clip.logit_scale.fill_(math.log(100))
    save_file(clip.state_dict(), file)
    return clip
