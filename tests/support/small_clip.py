"""CLIPs made by open_clip with random weights, in files like the real one."""

from __future__ import annotations

import math
from pathlib import Path

import open_clip
import torch
from safetensors.torch import save_file

from installation.naming.networks.timm_network import VIT_B_32, Architecture, Tower

SMALL = Architecture(image=Tower(128, 2), text=Tower(64, 2), features=32, size=64)
"""Two heads in one tower and one in the other; the tokenizer needs the real vocabulary."""

SHALLOW = Architecture(
    image=Tower(VIT_B_32.image.width, 1), text=Tower(VIT_B_32.text.width, 1), features=512
)
"""ViT-B-32 with one layer in each tower: each tensor has its real shape."""


def small_clip(file: Path, architecture: Architecture = SMALL, seed: int = 0) -> open_clip.CLIP:
    """Write a CLIP with weights from `seed` into `file`, and return it as open_clip's network."""
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
                if parameter.ndim == 1:  # norms and biases, which are ones and zeros at first
                    parameter += 0.1 * torch.randn_like(parameter)
                elif name == "token_embedding.weight":
                    parameter *= 20
            clip.logit_scale.fill_(math.log(100))
    save_file(clip.state_dict(), file)
    return clip
