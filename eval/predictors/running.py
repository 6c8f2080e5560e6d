"""Predicts a whole file, chunk by chunk: every case once, in order, safe against a crash, resumable."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from time import perf_counter

from data_schemas import EsiVersion
from eval.predictions import Prediction, append_predictions, read_predictions, write_predictions
from eval.predictors.inputs import CaseFile, InputError, ReadCase, UnreadableCase
from eval.predictors.output import Output
from eval.predictors.protocol import Predictor
from eval.predictors.run_record import (
    DIAGNOSIS_NOTICE,
    DataFile,
    RunRecord,
    Setup,
    differences,
    package_version,
    source_commit,
)

Progress = Callable[[int, RunRecord], None]
"""Called after each chunk with the cases done so far and the record as it stands."""


def setup_of(file: CaseFile, predictor: Predictor, version: EsiVersion) -> Setup:
    """What decides the predictions of ``predictor`` on ``file``."""
    return Setup(
        data=DataFile(name=file.path.name, sha256=file.sha256, cases=len(file.ids)),
        task=file.task,
        scale=file.layout.scale,
        input_columns=file.columns,
        with_diagnosis=file.with_diagnosis,
        model=predictor.name,
        provenance=predictor.provenance,
        esi_version=version,
        version=package_version(),
    )


def predict_file(
    file: CaseFile,
    predictor: Predictor,
    output: Output,
    *,
    version: EsiVersion = EsiVersion.V5,
    command: str = "",
    progress: Progress = lambda done, record: None,
) -> RunRecord:
    """Predict every case of ``file`` that ``output`` does not hold, and finish both files.

    A chunk's rows are on the disk before the next chunk is asked, so a crash costs at most one chunk.

    Raises:
        InputError: the output cannot be gone on with; nothing was changed.
    """
    setup = setup_of(file, predictor, version)
    record = _begun(output, setup, command)
    done = {item.case_id for item in output.rows}
    unknown = done - set(file.ids)
    if unknown:
        raise InputError(
            f"{output.path.name} holds {len(unknown)} cases that {file.path.name} has not; give another --out"
        )
    output.begin()
    record.save(output.record_path)
    before = record
    failures, counts = Counter(record.failures), Counter(record.input_counts)
    rules_only, count = record.rules_only, len(done)
    began = perf_counter()
    for chunk in _chunks(file.cases(done), predictor.chunk):
        found = _predicted(predictor, chunk)
        append_predictions(output.path, found)
        count += len(found)
        failures.update(item.error or "no answer" for item in found if item.predicted is None)
        rules_only += sum(item.rules_only for item in found)
        failed = sum(failures.values())
        spent = perf_counter() - began
        record = record.model_copy(
            update={
                "predicted": count - failed,
                "failed": failed,
                "failures": dict(failures),
                "rules_only": rules_only,
                "input_counts": dict(counts + file.counts),
                "seconds": round(before.seconds + spent, 3),
                "cases_per_second": round((count - len(done)) / spent, 3) if spent > 0 else None,
            }
        )
        record.save(output.record_path)
        progress(count, record)
    record = _finished(file, output, record)
    record.save(output.record_path)
    return record


def _begun(output: Output, setup: Setup, command: str) -> RunRecord:
    notice = DIAGNOSIS_NOTICE if setup.with_diagnosis else None
    commit = source_commit()
    commits = () if commit is None else (commit,)
    before = output.record
    if before is None:
        return RunRecord(finished=False, notice=notice, setup=setup, command=command, commits=commits)
    different = differences(before.setup, setup)
    if different:
        raise InputError(
            f"{output.path.name} was begun with another {', '.join(different)}: rows of two runs would mix. "
            "Move it away, or go on with what it was begun with"
        )
    every = tuple(dict.fromkeys((*before.commits, *commits)))
    return before.model_copy(update={"finished": False, "parts": before.parts + 1, "commits": every})


def _predicted(predictor: Predictor, chunk: Sequence[ReadCase | UnreadableCase]) -> list[Prediction]:
    """One prediction for each case of the chunk, in order; unreadable ones are never asked about."""
    readable = [case for case in chunk if isinstance(case, ReadCase)]
    answers = iter(predictor.predict(readable) if readable else [])
    found: list[Prediction] = []
    for case in chunk:
        if isinstance(case, UnreadableCase):
            found.append(Prediction(case_id=case.case_id, predicted=None, error=case.error))
            continue
        answer = next(answers)
        if answer.case_id != case.case_id:
            raise AssertionError("a predictor gave its answers in another order")
        found.append(answer)
    return found


def _finished(file: CaseFile, output: Output, record: RunRecord) -> RunRecord:
    """Look at what is on the disk: every case once, in the file's order; the counts are those of the file."""
    rows = {item.case_id: item for item in read_predictions(output.path)}
    if rows.keys() != set(file.ids):
        raise InputError(f"{output.path.name} was changed by somebody else meanwhile; start again")
    if tuple(rows) != file.ids:
        write_predictions(output.path, (rows[case_id] for case_id in file.ids))
    failed = sum(item.predicted is None for item in rows.values())
    failures = Counter(record.failures)
    if failed > failures.total():
        failures["not recorded: the run was stopped"] = failed - failures.total()
    return record.model_copy(
        update={
            "finished": True,
            "predicted": len(rows) - failed,
            "failed": failed,
            "failures": dict(failures),
        }
    )


def _chunks(
    cases: Iterator[ReadCase | UnreadableCase], size: int
) -> Iterator[list[ReadCase | UnreadableCase]]:
    while chunk := list(islice(cases, size)):
        yield chunk
