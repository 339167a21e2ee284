"""The method `prompts`: sentences as CLIP reads them, each label a direction among its features.

The text tower is open_clip's own, from the same file as the image tower; the show never needs it.
A score is open_clip's documented recipe, the softmax of `100 × image · text`, with two things more:
sentences of one row are an ensemble, the mean of their embeddings (arXiv 2103.00020, section
3.1.4), and labels are calibrated, as some are near every picture and would win everybody.

**Calibration.** A label's bias is what it gets from pictures of nothing (`neutral.py`), taken away:
the same as centring the features of pictures, which centring the sentences could not do, as the
softmax does not see what is taken from all of them alike. "Calibrate Before Use" (Zhao et al.,
arXiv 2102.09690) does it for language models. Only `STRENGTH` of it is taken, and rows of the
background keep all they get: they are there to win an empty wall. The biases of labels sum to zero,
so that calibration shifts nothing between labels and background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from tqdm import tqdm

from installation.errors import Mistake, WeightsError, display_path
from installation.making.build.embedding_cache import embed_ensembles
from installation.making.build.evenness import evenness
from installation.making.build.neutral_pictures import neutral_features
from installation.making.build.result import BuildResult
from installation.naming.label_set.csv_file import Row
from installation.naming.label_set.hiding import SAFE
from installation.naming.label_set.label_set import LabelSetSource
from installation.naming.lists.safetensors_header import mismatch
from installation.naming.lists.weights import CLIP, fetch_command
from installation.naming.networks.timm_network import CLIP_FILE, VIT_B_32, Architecture, Clip
from installation.settings.kiosk import ContentSettings

TEMPLATES = (
    "a photo of a {}",
    "a portrait of a person who is a {}",
    "a picture of somebody in a gallery, a {}",
)
"""For people, where labelset.yaml has none."""
DEFINED = "a photo of a person, {}: {}"
"""One more of them for a row that has a definition, which comes second."""
BACKGROUND = ("a photo of {}", "{}")
"""For rows of the background, which are no people, whatever the templates are."""

STRENGTH = 0.5
"""The share of what a label gets from neutral pictures that is taken away.

How much of that it gets from visitors, too, is not known: something between none and all. Half errs
least where it is the worst. A guess; not yet tried with the real weights.
"""

NEUTRAL = 60
"""Neutral pictures for the biases, and as many others for the figures: ten of each kind."""

BATCH = 64


def build_from_prompts(
    source: LabelSetSource,
    _content: ContentSettings = SAFE,
    weights: Path = CLIP_FILE,
    architecture: Architecture = VIT_B_32,
) -> BuildResult:
    """Return a weight and a bias for each row: `(size, features)` and `(size,)` F32.

    Their logits are those of open_clip, calibrated. Raises WeightsError where `weights` are
    missing, damaged, or another network's.
    """
    clip = Clip(torch.device("cpu"), weights, architecture)
    text = TextTower(weights, architecture)
    weight = text.scale * embed_rows(source, text)
    labels = torch.tensor([not row.background for row in source.rows])
    bias = calibrate(neutral_features(clip, NEUTRAL, seed=1) @ weight.T, labels)
    figures = [
        *_figures(neutral_features(clip, NEUTRAL, seed=2) @ weight.T, bias, labels),
        *_cut(source, text),
    ]
    return BuildResult({"weight": weight, "bias": bias}, clip.fingerprint, figures)


class TextTower:
    """Embeds sentences. `scale` is what cosines are multiplied by to be logits."""

    def __init__(self, weights: Path = CLIP_FILE, architecture: Architecture = VIT_B_32) -> None:
        """Raise WeightsError where `weights` are missing, damaged, or another network's."""
        from open_clip.tokenizer import SimpleTokenizer
        from open_clip.transformer import TextTransformer

        tower = architecture.text
        self._context = architecture.context
        self._tokenizer = SimpleTokenizer(context_length=architecture.context)
        self._network = TextTransformer(
            context_length=architecture.context,
            vocab_size=architecture.vocabulary,
            width=tower.width,
            heads=tower.heads,
            layers=tower.layers,
            output_dim=architecture.features,
        )
        self._network.eval().requires_grad_(False)
        logit_scale = torch.empty(())
        _fill({**self._network.state_dict(), "logit_scale": logit_scale}, weights)
        self.scale = float(logit_scale.exp())

    @torch.inference_mode()
    def embed(self, sentences: Sequence[str]) -> torch.Tensor:
        """Return embeddings `(N, features)` of unit length; a sentence that is too long is cut."""
        tokens = self._tokenizer(list(sentences))  # (N, context)
        lengths = tokens.argmax(1) + 1  # the token that ends a sentence is the highest
        by_length = lengths.argsort()
        embeddings = torch.empty(len(sentences), self._network.output_dim)
        batches = range(0, len(sentences), BATCH)
        for start in tqdm(batches, "reading sentences", unit="batch", disable=None, leave=False):
            some = by_length[start : start + BATCH]
            embeddings[some] = self._states(tokens[some, : int(lengths[some].max())])
        return torch.nn.functional.normalize(embeddings)

    def _states(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the projected last states `(N, features)` of sentences `(N, T)`.

        As open_clip's own forward, which takes nothing shorter than the whole context; here it may
        be as short as the longest sentence, since each token sees only those before it.
        """
        network, T = self._network, tokens.shape[1]  # noqa: N806  tokens
        states = network.token_embedding(tokens) + network.positional_embedding[:T]
        states = network.transformer(states, attn_mask=network.attn_mask[:T, :T])  # (N, T, width)
        last = network.ln_final(states)[torch.arange(len(tokens)), tokens.argmax(1)]
        projected: torch.Tensor = last @ network.text_projection
        return projected

    def cuts(self, sentence: str) -> bool:
        """Return whether `sentence` has more tokens than are read, its start and end included."""
        return len(self._tokenizer.encode(sentence)) + 2 > self._context


def embed_rows(source: LabelSetSource, text: TextTower) -> torch.Tensor:
    """Return an embedding `(size, features)` of unit length for each row.

    It is the mean of its sentences' embeddings, which is normalised again.
    """
    sentences = [prompts(row, source.settings.templates) for row in source.rows]
    return embed_ensembles(sentences, text.embed)


def prompts(row: Row, templates: Sequence[str] = ()) -> Sequence[str]:
    """Return the sentences that stand for a row: its own, or its name in `templates`.

    Without templates they are the kiosk's, and take in the definition.
    """
    if row.sentences:
        return row.sentences
    said = BACKGROUND if row.background else templates or TEMPLATES
    filled = [template.replace("{}", row.name) for template in said]
    if row.definition and not row.background and not templates:
        filled.append(DEFINED.format(row.name, row.definition))
    return filled


def calibrate(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the bias `(L,)` of each row; those of `labels` sum to zero, all others are zero.

    `logits` `(N, L)` is what rows get from neutral pictures; `labels` `(L,)` bool says which rows
    are no background. Nothing here depends on which labels are hidden.
    """
    mean = logits.mean(0)
    bias = torch.zeros_like(mean)
    bias[labels] = STRENGTH * (mean[labels].mean() - mean[labels])
    return bias


def _figures(logits: torch.Tensor, bias: torch.Tensor, labels: torch.Tensor) -> list[str]:
    """Return how evenly labels win `(N, L)` neutral pictures, without the bias and with it."""
    calibrated = logits + bias
    figures = [
        f"Before calibration, over pictures of nothing: {evenness(logits[:, labels])}.",
        f"After: {evenness(calibrated[:, labels])}.",
    ]
    if not labels.all():
        share = (~labels)[calibrated.argmax(1)].double().mean()
        figures.append(f"The background wins {share:.0%} of them, where the machine abstains.")
    return figures


def _cut(source: LabelSetSource, text: TextTower) -> list[str]:
    """Return the sentence that names the lines of labels.csv with more text than CLIP reads."""
    lines = [
        row.location
        for row in source.rows
        if any(text.cuts(sentence) for sentence in prompts(row, source.settings.templates))
    ]
    if not lines:
        return []
    return [
        "CLIP reads 77 tokens, some 50 words; a sentence is longer, and was cut, on these lines of "
        f"labels.csv: {', '.join(lines)}."
    ]


def _fill(places: Mapping[str, torch.Tensor], weights: Path) -> None:
    """Copy tensors of a CLIP's file into `places`, by their names in it.

    All names and shapes are checked before anything is read. Raises WeightsError.
    """
    try:
        with safe_open(weights, framework="pt") as file:
            for name, place in places.items():
                if wrong := mismatch(file, name, "F32", place.shape):
                    raise _unfit(weights, wrong)
            with torch.no_grad():
                for name, place in places.items():
                    place.copy_(file.get_tensor(name))
    except (SafetensorError, OSError):
        raise _unfit(weights, "the file is damaged or cannot be read") from None


def _unfit(weights: Path, what: str) -> WeightsError:
    what = f"it does not hold the text tower of clip: {what}"
    remedy = f"Delete it and run: {fetch_command(CLIP)}"
    return WeightsError(Mistake(display_path(weights), what, remedy))
