"""transformers' image classifiers as networks of timm: what makes them, and their tensors' names.

The kinds are those whose sums are the same in both; a test compares their logits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from timm.models import ConvNeXt, VisionTransformer
from timm.models.deit import VisionTransformerDistilled
from torch import nn

from installation.errors import ellipsize
from installation.naming.networks.hugging_face_config import (
    CONVNEXT,
    DEIT,
    DEIT_TAUGHT,
    VIT,
    Config,
)

DEEPEST = 200
"""Layers; the deepest vision transformers have some 50."""

ACTIVATIONS: Mapping[str, Callable[..., nn.Module]] = {
    "gelu": nn.GELU,
    "gelu_pytorch_tanh": partial(nn.GELU, approximate="tanh"),
    "relu": nn.ReLU,
}

TRANSFORMERS: Mapping[str, Callable[..., nn.Module]] = {
    VIT: VisionTransformer,
    DEIT: partial(VisionTransformer, reg_tokens=1),  # its second token has no head
    DEIT_TAUGHT: VisionTransformerDistilled,
}

Rules = Sequence[tuple[str, str]]
"""Patterns in transformers' names of tensors, and what timm has there; all are applied, in order.
"""

_TRANSFORMER = (
    (r"^(vit|deit)\.", ""),
    (r"^embeddings\.cls_token$", "cls_token"),
    (r"^embeddings\.position_embeddings$", "pos_embed"),
    (r"^embeddings\.patch_embeddings\.projection\.", "patch_embed.proj."),
    (r"^encoder\.layer\.(\d+)\.", r"blocks.\1."),
    (r"\.attention\.output\.dense\.", ".attn.proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
    (r"\.layernorm_before\.", ".norm1."),
    (r"\.layernorm_after\.", ".norm2."),
    (r"\.attention\.attention\.(query|key|value)\.", ".attn.qkv."),
    (r"^layernorm\.", "norm."),
    (r"^(cls_)?classifier\.", "head."),
)
_SECOND = r"^embeddings\.distillation_token$"
RULES: Mapping[str, Rules] = {
    VIT: _TRANSFORMER,
    DEIT: (*_TRANSFORMER, (_SECOND, "reg_token")),
    DEIT_TAUGHT: (
        *_TRANSFORMER,
        (_SECOND, "dist_token"),
        (r"^distillation_classifier\.", "head_dist."),
    ),
    CONVNEXT: (
        (r"^convnext\.embeddings\.patch_embeddings\.", "stem.0."),
        (r"^convnext\.embeddings\.layernorm\.", "stem.1."),
        (r"^convnext\.encoder\.", ""),
        (r"^(stages\.\d+)\.downsampling_layer\.", r"\1.downsample."),
        (r"^(stages\.\d+)\.layers\.", r"\1.blocks."),
        (r"\.dwconv\.", ".conv_dw."),
        (r"\.pwconv(\d)\.", r".mlp.fc\1."),
        (r"\.layer_scale_parameter$", ".gamma"),
        (r"^convnext\.layernorm\.", "head.norm."),
        (r"(blocks\.\d+)\.layernorm\.", r"\1.norm."),
        (r"^classifier\.", "head.fc."),
    ),
}

Sources = Mapping[str, Sequence[str]]
"""By timm's name of a tensor: those of which it is made in the file, one below the other."""


def planned(kind: str, config: Config) -> Callable[[], nn.Module]:
    """Return what makes a network of transformers' class `kind` in timm, without its weights.

    Raises LabelSetError where config.json asks for what is not understood.
    """
    if config.number("num_channels", 3) != 3:
        raise config.wrong("num_channels is not 3 (expected pictures of red, green and blue)")
    activation = config.said.get("hidden_act", "gelu")
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        seen = ellipsize(repr(activation))
        raise config.wrong(f"hidden_act is {seen} (expected {', '.join(ACTIVATIONS)})")
    epsilon = config.said.get("layer_norm_eps", 1e-12)
    if type(epsilon) is not float or not 0 < epsilon < 1:
        raise config.wrong(
            f"layer_norm_eps is {ellipsize(repr(epsilon))} (expected a small number)"
        )
    names = config.said.get("id2label", {"0": "", "1": ""})
    said = {
        "num_classes": len(names) if isinstance(names, dict) else 0,
        "act_layer": ACTIVATIONS[activation],
    }
    if kind == CONVNEXT:
        return _convnext(config, epsilon, said)
    width = config.number("hidden_size", 768)
    return partial(
        TRANSFORMERS[kind],
        **said,
        img_size=config.side("image_size", 224),
        patch_size=config.side("patch_size", 16, least=1),
        embed_dim=width,
        depth=config.number("num_hidden_layers", 12, DEEPEST),
        num_heads=config.number("num_attention_heads", 12),
        mlp_ratio=config.number("intermediate_size", 3072) / width,
        qkv_bias=config.said.get("qkv_bias", True) is True,
        norm_layer=partial(nn.LayerNorm, eps=epsilon),
    )


def _convnext(config: Config, epsilon: float, said: Mapping[str, Any]) -> Callable[[], nn.Module]:
    """Return what makes transformers' ConvNext, where only the last norm has an own `epsilon`."""
    scale = config.said.get("layer_scale_init_value", 1e-6)
    make = partial(
        ConvNeXt,
        **said,
        dims=config.numbers("hidden_sizes", [96, 192, 384, 768]),
        depths=config.numbers("depths", [3, 3, 9, 3], DEEPEST),
        patch_size=config.side("patch_size", 4, least=1),
        ls_init_value=1.0 if isinstance(scale, float | int) and scale > 0 else None,
        norm_eps=1e-6,
    )

    def network() -> nn.Module:
        made: nn.Module = make()
        norm = made.get_submodule("head.norm")
        assert isinstance(norm, nn.LayerNorm)
        norm.eps = epsilon
        return made

    return network


def renamed(names: Iterable[str], rules: Rules) -> Sources:
    """Return which of a file's tensors make timm's; what has no name in timm keeps its own.

    Queries, keys and values, in this order, make one.
    """
    found: dict[str, list[str]] = {}
    for name in sorted(names, key=lambda name: (".value." in name, ".key." in name)):
        new = name
        for pattern, of_timm in rules:
            new = re.sub(pattern, of_timm, new)
        found.setdefault(new, []).append(name)
    return found


def joined_shapes(sources: Sources, shapes: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Return the shapes of timm's tensors; an empty one where the parts of one do not fit."""
    joined = {}
    for name, parts in sources.items():
        first, *others = (shapes[part] for part in parts)
        if others:
            fits = first and others == [first, first]
            first = [3 * first[0], *first[1:]] if fits else []
        joined[name] = first
    return joined


def joined_tensors(sources: Sources, opened: Any) -> dict[str, torch.Tensor]:
    """Return timm's tensors of a file; `opened` is what `safetensors.safe_open` gives."""
    read = {name: [opened.get_tensor(part) for part in parts] for name, parts in sources.items()}
    return {name: torch.cat(of) if len(of) > 1 else of[0] for name, of in read.items()}
