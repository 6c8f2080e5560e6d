"""Comparators fitted for a task: on training files, or on the other groups of the task's own file."""

import hashlib
import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

from eval.cases import Task, read_labelled
from eval.harness.case_set import CaseSet
from eval.harness.errors import HarnessError
from eval.harness.sampling import digest, hash_of
from eval.predictors.comparators import Comparator, ComparatorPredictor
from eval.predictors.inputs import sha256_of
from eval.predictors.run_record import package_version
from triage.training.corpus import CorpusError, LabelledCase

_CLASSES = {
    "boosting": ("triage.baselines.boosting", "Boosting"),
    "encoder": ("triage.baselines.encoder", "Encoder"),
}
_LAYOUTS = {Task.KTAS: Task.KTAS, Task.NHAMCS: Task.NHAMCS}


class Training:
    """Fits a comparator once, and keeps it.

    Args:
        cases: those under test; none of them may be trained on.
        labelled: all cases of the task's file, for ``other_groups``.
        files: training files in the task's layout (vignettes for ESI).
        other_groups: train on ``labelled`` without the cases of the task's ``group_prefix``.
        folder: where fitted models are kept.
        encoder_cases: the most that the encoder is fitted on, those with the smallest hash.
        say: told in words what is done.
    """

    def __init__(
        self,
        cases: CaseSet,
        labelled: Sequence[LabelledCase],
        files: Sequence[Path],
        *,
        other_groups: bool,
        folder: Path,
        encoder_cases: int | None,
        say: Callable[[str], None],
    ) -> None:
        self._cases = cases
        self._labelled = labelled
        self._files = files
        self._other = other_groups
        self._folder = folder
        self._encoder_cases = encoder_cases
        self._say = say
        self._train: list[LabelledCase] | None = None
        self.notices: list[str] = []

    @property
    def has_any(self) -> bool:
        """Whether there is something to fit on."""
        return self._other or bool(self._files)

    def check(self) -> None:
        """Read the training cases.

        Raises:
            HarnessError: none, of another scale, or a case under test is among them.
        """
        self.cases()

    def cases(self) -> list[LabelledCase]:
        """The training cases; see ``check``."""
        if self._train is None:
            self._train = self._checked(self._read())
        return self._train

    def open(self, name: str) -> ComparatorPredictor:
        """Boosting or the encoder, fitted now or earlier on the same cases.

        Raises:
            HarnessError: the extra is missing, or the cases cannot be fitted on.
        """
        module, cls = _CLASSES[name]
        train = self.cases()
        words = self._words()
        if name == "encoder" and self._encoder_cases is not None and len(train) > self._encoder_cases:
            whole = len(train)
            train = sorted(train, key=lambda case: digest(case.case_id))[: self._encoder_cases]
            self.notices.append(
                f"encoder: fitted on {len(train)} of the {whole} training cases (smallest SHA-256 of case_id)"
            )
            words += f"; {len(train)} of them, by hash"
        key = f"{package_version()}|{name}|{words}|{hash_of([case.case_id for case in train])}"
        folder = self._folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
        try:
            kind: type[Comparator] = getattr(importlib.import_module(module), cls)
        except ImportError as error:
            raise HarnessError(
                f"{name} needs {error.name}: pip install 'ed-triage-agent[eval]' and what docs/evaluation.md names"
            ) from None
        if (folder / "done").exists():
            return ComparatorPredictor(name, kind.load(folder), f"fitted on {words}")
        self._say(f"fitting {name} on {len(train)} cases")
        try:
            model = kind.fit(train)
        except ValueError as error:
            raise HarnessError(f"{name}: {error}") from None
        model.save(folder)
        (folder / "done").touch()
        return ComparatorPredictor(name, model, f"fitted on {words}")

    def _read(self) -> list[LabelledCase]:
        if self._other:
            prefix = self._cases.choice.group_prefix or ""
            return [case for case in self._labelled if not case.group.startswith(prefix)]
        layout = _LAYOUTS.get(self._cases.choice.task, Task.ESI)
        try:
            return [case for path in self._files for case in read_labelled(layout, path)]
        except (CorpusError, FileNotFoundError) as error:
            words = str(error) if isinstance(error, CorpusError) else "a training file is not there"
            raise HarnessError(f"training: {words}") from None

    def _checked(self, train: list[LabelledCase]) -> list[LabelledCase]:
        if not train:
            raise HarnessError("training: no labelled case; give a file with levels")
        scales = {case.scale for case in train} - {self._cases.scale}
        if scales:
            raise HarnessError(
                f"training: levels on {', '.join(sorted(scales))}, and the cases are on {self._cases.scale.value}"
            )
        under_test = set(self._cases.labels.case_ids)
        both = sum(case.case_id in under_test for case in train)
        if both:
            raise HarnessError(
                f"training: {both} of the cases under test are among the training cases; leave them out"
            )
        if len({case.group for case in train}) == 1:
            # One site: early stopping then watches single visits of it, because there is no other site to hold out.
            return [case.model_copy(update={"group": case.case_id}) for case in train]
        return train

    def _words(self) -> str:
        if self._other:
            files = ", ".join(f"{name} (sha256 {sha})" for name, sha in self._cases.data_sha256.items())
            prefix = self._cases.choice.group_prefix
            return f"{len(self.cases())} cases of {files} whose group does not begin with {prefix}"
        files = ", ".join(f"{path.name} (sha256 {sha256_of(path)})" for path in self._files)
        return f"{len(self.cases())} cases of {files}"
