"""A checkpoint's embedding matrices, found by the names that model families give them.

embedding    the matrix whose rows a model reads tokens by
unembedding  the matrix whose rows it scores them by
tied         one matrix serves as both: only the embedding is stored, or both are and
             agree bit for bit
"""

import re
from functools import cached_property
from pathlib import Path

import numpy as np

from drift.sim.checkpoints.weights import Weights
from drift.sim.errors import BadInput
from drift.sim.matrix import Matrix
from drift.sim.strict_json import read_document

FAMILIES = (
    ("model.embed_tokens.weight", "lm_head.weight"),
    ("model.language_model.embed_tokens.weight", "lm_head.weight"),
    ("model.language_model.embed_tokens.weight", "model.language_model.lm_head.weight"),
    ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"),
    ("language_model.model.embed_tokens.weight", "lm_head.weight"),
    ("wte.weight", "lm_head.weight"),
    ("transformer.wte.weight", "lm_head.weight"),
    ("transformer.embd.wte.weight", "lm_head.linear.weight"),
    ("model.transformer.wte.weight", "model.transformer.ff_out.weight"),
    ("gpt_neox.embed_in.weight", "embed_out.weight"),
    ("tok_embeddings.weight", "output.weight"),
    ("token_embd.weight", "output.weight"),
)
"""Names of embedding and unembedding in each family of models."""


class Checkpoint:
    """The checkpoint at a path: a file, a directory or an index (sim.checkpoints.weights).

    Raises BadInput where there is none that can be read.

        >>> import numpy as np, drift
        >>> from safetensors.numpy import save_file
        >>> save_file({"lm_head.weight": np.float16([[0.5, 1], [0.5, 1]])}, "model.safetensors")
        >>> found = drift.Checkpoint("model.safetensors")
        >>> found.unembedding, found.matrix().codes.shape, found.matrix().format.name
        ('lm_head.weight', (2, 2), 'float16')
    """

    def __init__(self, path: Path | str):
        self.path = path = Path(path)
        self.weights = Weights(path)
        self.directory = self.weights.source.parent
        self.notes: list[str] = self.weights.notes
        """lines for people on what is odd about it"""
        self.embedding, self.unembedding = _found(set(self.weights.names))

    @cached_property
    def tied(self) -> bool:
        """True where one matrix serves as both; where both are stored, both are read.

        Raises BadInput where one of them cannot be read.
        """
        if self.embedding is None:
            return False
        if self.unembedding is not None:
            return self._identical(self.embedding, self.unembedding)
        if self._is_one_of_many():
            self.notes.append(
                f"{self.path} is one shard of several: an unembedding may be in another"
            )
            return False
        if self._said_untied():
            self.notes.append(
                f"{self.directory / 'config.json'} says that embedding and unembedding are not"
                " tied, yet no unembedding is there"
            )
            return False
        return True

    def default(self) -> str:
        """Return the name of the default matrix: the unembedding, else the embedding.

        Raises BadInput, listing what is there, where no name is a known one.
        """
        name = self.unembedding or self.embedding
        if name is None:
            known = self.weights.listed("model.embed_tokens.weight")
            raise BadInput(
                f"{self.path} has no embedding or unembedding under a known name; {known};"
                " --tensor names one"
            )
        return name

    def matrix(self, name: str | None = None) -> Matrix:
        """Return a tensor as codes in its own format, memory-mapped; by default the default one.

        Raises BadInput where it is not there, is not a matrix of a known format, or is empty.
        """
        return self.weights.matrix(self.default() if name is None else name)

    def _identical(self, a: str, b: str) -> bool:
        """Return whether two tensors are bit-identical."""
        one, other = self.weights.tensor(a), self.weights.tensor(b)
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            return False
        left, right = self.matrix(a), self.matrix(b)
        return all(np.array_equal(left.codes[block], right.codes[block]) for block in left.blocks())

    def _is_one_of_many(self) -> bool:
        found = re.search(r"-of-0*(\d{1,9})\.safetensors$", self.weights.source.name)
        return found is not None and int(found[1]) > 1

    def _said_untied(self) -> bool:
        """Return whether config.json beside it says untied, at its top or for the text model."""
        path = self.directory / "config.json"
        if not path.exists():
            return False
        try:
            config = read_document(path)
        except BadInput as error:
            self.notes.append(f"{error}; it was passed over")
            return False
        parts = [config, config.get("text_config")] if isinstance(config, dict) else []
        said = [part.get("tie_word_embeddings") for part in parts if isinstance(part, dict)]
        return False in [answer for answer in said if answer is not None][:1]


def _found(names: set[str]) -> tuple[str | None, str | None]:
    """The embedding and the unembedding among `names`, of one family where it can be."""
    for embedding, unembedding in FAMILIES:
        if embedding in names and unembedding in names:
            return embedding, unembedding
    embeddings, unembeddings = zip(*FAMILIES, strict=True)
    first = lambda known: next((name for name in known if name in names), None)  # noqa: E731
    return first(embeddings), first(unembeddings)
