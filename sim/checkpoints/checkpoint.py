"""A checkpoint's matrices of tokens, and whether one matrix serves as two.

embedding    the matrix whose rows a model reads tokens by
unembedding  the matrix whose rows it scores them by
tied         one matrix serves as both: only one is stored, and config.json does not contradict
             it, or both are stored and agree bit for bit. Where one is stored in a form that can't
             be read, or may be in another file, it is not known
"""

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from drift.sim.checkpoints import token_matrices
from drift.sim.checkpoints.token_matrices import TokenMatrix
from drift.sim.checkpoints.weights import Weights
from drift.sim.errors import BadInput, printable_name
from drift.sim.matrix import Matrix
from drift.sim.strict_json import read_document

_PARTS = ("text_config", "llm_config", "language_config", "language_model", "thinker_config")
"""Parts of config.json that tell of the language model, in models of several kinds of data."""
_VOCABULARY = re.compile(r"(\w+_)?vocab_size|n_vocab|vocabulary_size")
_DEEPEST = 4
"""Levels of config.json that are looked into."""


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

    @cached_property
    def _found(self) -> list[TokenMatrix]:
        """The matrices of tokens, those that can't be read too."""
        found = token_matrices.find(self.weights, _vocabularies(self._config))
        for each in found:
            if each.instead:
                name = printable_name(each.name)
                self.notes.append(f"{self.path}: {name} can't be read: it holds {each.instead}")
            if changes := self._changes(each.name):
                self.notes.append(
                    f"{self.path}: {printable_name(each.name)} is shown without the change that an"
                    f" adapter makes of it ({printable_name(changes[0])})"
                )
        return found

    def _taken(self, names: list[str]) -> list[str]:
        """Return `names`, with a note on each whose matrix was found by its shape."""
        for each in self._found:
            name = f"{self.path}: {printable_name(each.name)}"
            note = f"{name} was found by its shape: its rows are the vocabulary"
            if each.by_shape and each.name in names and note not in self.notes:
                self.notes.append(note)
        return names

    @property
    def candidates(self) -> list[str]:
        """Names of all matrices of tokens, those that can't be read too."""
        return [each.name for each in self._found]

    @property
    def matrices(self) -> list[str]:
        """Names of the matrices of tokens: the embedding, the unembedding, others that are there.

        Those that can't be read are left out, unless there is no other.
        """
        readable = [each.name for each in self._found if not each.instead]
        return self._taken(readable or self.candidates)

    @property
    def embedding(self) -> str | None:
        """Name of the embedding; None where none is known."""
        return self._named("embedding")

    @property
    def unembedding(self) -> str | None:
        """Name of the unembedding; None where none is known."""
        return self._named("unembedding")

    @cached_property
    def tied(self) -> bool | None:
        """True where one matrix serves as both, False where two differ, None where not known.

        Raises BadInput where one of them should be there and cannot be read.
        """
        readable = [each for each in self._found if not each.instead]
        reads = [each.name for each in readable if each.role != "unembedding"]
        scores = [each.name for each in readable if each.role == "unembedding"]
        if not scores and len(readable) == 2 and any(each.role is None for each in readable):
            reads, scores = reads[:1], reads[1:]  # two by shape alone: one is for each
        if reads and scores:
            return any(self.identical(each, scores[0]) for each in reads)
        if not readable or len(readable) < len(self._found):
            return None
        first, *others = (each.name for each in readable)
        if not all(self.identical(first, each) for each in others):
            return None
        if self.adapted:
            return None
        if self._is_one_of_many():
            self.notes.append(f"{self.path} is one shard of several: others may hold more matrices")
            return None
        said = _said_tied(self._config)
        if said is False:
            which = "embedding" if scores else "unembedding"
            self.notes.append(
                f"{self.directory / 'config.json'} says that embedding and unembedding are not"
                f" tied, yet no {which} is there"
            )
        return None if said is False or (scores and said is None) else True

    @cached_property
    def adapted(self) -> str | None:
        """Model that this is an adapter of; None where it is no adapter."""
        if not self.weights.source.name.startswith("adapter_"):
            return None
        config = self._read("adapter_config.json")
        base = config.get("base_model_name_or_path") if isinstance(config, dict) else None
        return base if isinstance(base, str) and base else "another model"

    def pair_with(self, other: "Checkpoint") -> tuple[str, str]:
        """Return names of the matrices to compare: of an adapter and a model, those of one role.

        Raises BadInput as `default` does.
        """
        if self.adapted or other.adapted:
            for role in ("unembedding", "embedding"):
                mine, theirs = self._named(role), other._named(role)
                if mine is not None and theirs is not None:
                    return mine, theirs
        return self.default(), other.default()

    def _changes(self, name: str | None = None) -> list[str]:
        """Return names of an adapter's changes of one matrix, or of matrices of tokens."""
        module = r"(.*\.)?(\w*emb\w*|wte|shared|lm_head|output_layer)"
        if name is not None:
            module = re.escape(name.removesuffix(".weight").removesuffix(".base_layer"))
        changed = re.compile(rf"{module}\.([\w.]*\.)?(lora|token_adapter|trainable_tokens)")
        return [each for each in self.weights.names if changed.match(each)]

    def default(self) -> str:
        """Return the name of the default matrix: the unembedding, else the embedding.

        Raises BadInput, listing what is there, where no name is a known one.
        """
        if name := self.unembedding or self.embedding:
            return self._taken([name])[0]
        several = self.matrices
        if several and (len(several) == 1 or self.tied):
            return several[0]
        if several:
            listed = ", ".join(map(printable_name, several))
            raise BadInput(
                f"{self.path} has several matrices of tokens: {listed}; --tensor names one"
            )
        if self.adapted:
            what = f"{self.path} is an adapter of {printable_name(self.adapted)}"
            if changes := self._changes():
                raise BadInput(
                    f"{what}, and holds changes of matrices of tokens alone"
                    f" ({printable_name(changes[0])}); merge it into its base to see them"
                )
            raise BadInput(
                f"{what}, and holds no matrix of tokens: it leaves its base's as they are"
            )
        known = token_matrices.likeliest(self.weights, _vocabularies(self._config))
        raise BadInput(
            f"{self.path} has no embedding or unembedding under a known name; {known};"
            " --tensor names one"
        )

    def matrix(self, name: str | None = None) -> Matrix:
        """Return a tensor as codes in its own format, memory-mapped; by default the default one.

        Raises BadInput where it is not there, is not a matrix of a known format, or is empty.
        """
        found = self.weights.matrix(self.default() if name is None else name)
        return replace(found, model=self.path)

    def identical(self, a: str, b: str) -> bool:
        """Return whether two tensors are bit-identical."""
        one, other = self.weights.tensor(a), self.weights.tensor(b)
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            return False
        left, right = self.matrix(a), self.matrix(b)
        return all(np.array_equal(left.codes[block], right.codes[block]) for block in left.blocks())

    def _is_one_of_many(self) -> bool:
        found = re.search(r"-of-0*(\d{1,9})\.safetensors$", self.weights.source.name)
        return found is not None and int(found[1]) > 1

    @cached_property
    def _config(self) -> Any:
        """The document config.json beside it; None where there is none that can be read."""
        return self._read("config.json")

    def _read(self, name: str) -> Any:
        """Return the JSON of a file beside it; None where there is none that can be read."""
        path = self.directory / name
        if not path.exists():
            return None
        try:
            return read_document(path)
        except BadInput as error:
            self.notes.append(f"{error}; it was passed over")
            return None

    def _named(self, role: str) -> str | None:
        """Return the first matrix of a role; one that can't be read where there is no other."""
        readable = (each.name for each in self._found if each.role == role and not each.instead)
        others = (each.name for each in self._found if each.role == role)
        some = any(not each.instead for each in self._found)
        return next(readable, None if some else next(others, None))


def _said_tied(config: Any) -> bool | None:
    """Return whether a config says tied, at its top or for the language model; None for neither."""
    if not isinstance(config, dict):
        return None
    for part in (config, *(config.get(name) for name in _PARTS)):
        answer = part.get("tie_word_embeddings") if isinstance(part, dict) else None
        if answer is not None:
            return answer is not False
    return None


def _vocabularies(config: Any, level: int = 0) -> set[int]:
    """Return all sizes of vocabularies that a config names."""
    if not isinstance(config, dict) or level > _DEEPEST:
        return set()
    found = {
        value
        for name, value in config.items()
        if _VOCABULARY.fullmatch(name) and type(value) is int and value > 1
    }
    return found.union(*(_vocabularies(part, level + 1) for part in config.values()))
