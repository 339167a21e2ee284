"""The method `prompts`: compares pictures with sentences about the labels, both embedded by CLIP.

The text tower is open_clip's, from the same file as the image tower; the show does not need it.
Scores follow open_clip's documented recipe, the softmax of `100 × image · text`, with two
additions. The embeddings of a row's sentences are averaged (arXiv 2103.00020, section 3.1.4). And
labels are calibrated, because the sentences of some labels resemble every picture; without
calibration, these labels would always win.

**Calibration.** `STRENGTH` times a label's mean logit on neutral pictures is subtracted from the
label's logits. If `STRENGTH` were 1, this would be equivalent to centring the features of pictures.
"Calibrate Before Use" (Zhao et al., arXiv 2102.09690) calibrates language models in this way.
Rejected: centring the embeddings of sentences. It adds the same number to all logits of a picture,
and the softmax ignores such a number.

Background rows are not calibrated. Neutral pictures resemble an empty wall, and a background row
should win for an empty wall. One number is added to the biases of all labels, so that the biases
sum to zero. On average, calibration thus favours neither the labels nor the background rows.
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
"""The sentences about people that are used if labelset.yaml has no templates."""
DEFINED = "a photo of a person, {}: {}"
"""A further sentence for a row with a definition; {} stand for its name and its definition."""
BACKGROUND = ("a photo of {}", "{}")
"""The sentences for background rows, which are not people; labelset.yaml's templates do not replace
them.
"""

_UNREAD = str.maketrans("", "", "\u00ad\u200b\u2060")
"""The translation table that removes soft hyphens and other invisible characters, because the
network would read each of them as a token of its own.
"""

STRENGTH = 0.5
"""A label's mean logit on neutral pictures, times this factor, is subtracted from its logits.

The right factor is the share of this mean that is also in the logits of visitors' pictures. This
share is not known; it is probably between 0 and 1. The middle, 0.5, is a guess that was not yet
tried with the real weights.
"""

NEUTRAL = 60
"""The number of neutral pictures from which the biases are computed. The figures in card.md are
measured on the same number of other neutral pictures.
"""

PROMPT_BATCH = 64


def build_from_prompts(
    source: LabelSetSource,
    _content: ContentSettings = SAFE,
    weights: Path = CLIP_FILE,
    architecture: Architecture = VIT_B_32,
) -> BuildResult:
    """Return a weight and a bias for each row: `(size, features)` and `(size,)` F32.

    With these, the logits are open_clip's, but calibrated. Raises WeightsError if `weights`, the
    file of the network `architecture`, are missing, damaged, or belong to another network.
    """
    clip = Clip("cpu", weights, architecture)
    text = TextTower(weights, architecture)
    weight = text.scale * embed_rows(source, text)
    labels = torch.tensor([not row.background for row in source.rows])
    bias = calibrate(torch.from_numpy(neutral_features(clip, NEUTRAL, seed=1)) @ weight.T, labels)
    figures = [
        *_figures(
            torch.from_numpy(neutral_features(clip, NEUTRAL, seed=2)) @ weight.T, bias, labels
        ),
        *_truncation_note(source, text),
    ]
    return BuildResult({"weight": weight, "bias": bias}, clip.fingerprint, figures)


class TextTower:
    """CLIP's encoder of sentences. `scale` is the factor from cosines to logits."""

    def __init__(self, weights: Path = CLIP_FILE, architecture: Architecture = VIT_B_32) -> None:
        """Open the file `weights`.

        Raises WeightsError if it is missing, damaged, or belongs to another network.
        """
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
        """Return embeddings `(N, features)` of unit length.

        Sentences that are too long are truncated.
        """
        tokens = self._tokenizer(list(sentences))  # (N, context)
        lengths = tokens.argmax(1) + 1  # the token that ends a sentence is the highest
        by_length = lengths.argsort()
        embeddings = torch.empty(len(sentences), self._network.output_dim)
        batches = range(0, len(sentences), PROMPT_BATCH)
        for start in tqdm(batches, "reading sentences", unit="batch", disable=None, leave=False):
            batch = by_length[start : start + PROMPT_BATCH]
            embeddings[batch] = self._states(tokens[batch, : int(lengths[batch].max())])
        return torch.nn.functional.normalize(embeddings)

    def _states(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the projected last states `(N, features)` of sentences `(N, T)`.

        The result is that of open_clip's `forward`, which accepts only sentences that are padded to
        the whole context. Here it is enough to pad all sentences to the length of the longest one,
        because each token depends only on the tokens before it.
        """
        network, T = self._network, tokens.shape[1]  # noqa: N806  tokens
        states = network.token_embedding(tokens) + network.positional_embedding[:T]
        states = network.transformer(states, attn_mask=network.attn_mask[:T, :T])  # (N, T, width)
        last = network.ln_final(states)[torch.arange(len(tokens)), tokens.argmax(1)]
        projected: torch.Tensor = last @ network.text_projection
        return projected

    def truncates(self, sentence: str) -> bool:
        """Return whether `sentence` has more tokens than the network accepts."""
        return len(self._tokenizer.encode(sentence)) + 2 > self._context


def embed_rows(source: LabelSetSource, text: TextTower) -> torch.Tensor:
    """Return an embedding of unit length for each row, `(size, features)`.

    It is the normalised mean of the embeddings of the row's sentences.
    """
    sentences = [sentences_of(row, source.settings.templates) for row in source.rows]
    return embed_ensembles(sentences, text.embed)


def sentences_of(row: Row, templates: Sequence[str] = ()) -> Sequence[str]:
    """Return the sentences in a row's looks_like; without them, sentences made from templates.

    The row's name is filled into each of `templates`, those of labelset.yaml. If labelset.yaml has
    none, the name is filled into `TEMPLATES`, and a row with a definition gets `DEFINED` as well.
    The name of a background row is always filled into `BACKGROUND` only.
    """
    if row.sentences:
        return row.sentences
    used = BACKGROUND if row.background else templates or TEMPLATES
    name, definition = (text.translate(_UNREAD) for text in (row.name, row.definition))
    filled = [template.replace("{}", name) for template in used]
    if definition and not row.background and not templates:
        filled.append(DEFINED.format(name, definition))
    return filled


def calibrate(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the bias of each row, `(L,)`; the biases of labels sum to zero.

    The bias of a background row is zero.

    `logits` `(N, L)` are computed from neutral pictures; `labels` `(L,)` bool is false for
    background rows. Hidden labels count like the others.
    """
    mean = logits.mean(0)
    bias = torch.zeros_like(mean)
    bias[labels] = STRENGTH * (mean[labels].mean() - mean[labels])
    return bias


def _figures(logits: torch.Tensor, bias: torch.Tensor, labels: torch.Tensor) -> list[str]:
    """Return sentences on how evenly labels win on neutral pictures, without and with `bias`.

    If a set has background rows, a further sentence says how many of the pictures get no label.

    `logits` `(N, L)` are computed from the neutral pictures. `bias` `(L,)` is added to them.
    """
    calibrated = logits + bias
    figures = [
        f"On neutral pictures, without calibration: {evenness(logits[:, labels])}.",
        f"With calibration: {evenness(calibrated[:, labels])}.",
    ]
    if not labels.all():
        share = (~labels)[calibrated.argmax(1)].double().mean()
        figures.append(
            f"{share:.0%} of the neutral pictures get no label, because a background row has the "
            "highest score."
        )
    return figures


def _truncation_note(source: LabelSetSource, text: TextTower) -> list[str]:
    """Return a sentence about the rows with more text than CLIP accepts, if there are any."""
    lines = [
        row.location
        for row in source.rows
        if any(
            text.truncates(sentence) for sentence in sentences_of(row, source.settings.templates)
        )
    ]
    if not lines:
        return []
    return [
        "CLIP reads at most 77 tokens, about 50 words; longer sentences were truncated on these "
        f"lines of labels.csv: {', '.join(lines)}."
    ]


def _fill(places: Mapping[str, torch.Tensor], weights: Path) -> None:
    """Copy the tensors of CLIP's file into the tensors of `places`, by name.

    All names and shapes are checked before a tensor is read. Raises WeightsError.
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


def _unfit(weights: Path, problem: str) -> WeightsError:
    problem = f"the file does not contain the text tower of clip: {problem}"
    remedy = f"Delete the file and run: {fetch_command(CLIP)}"
    return WeightsError(Mistake(display_path(weights), problem, remedy))
