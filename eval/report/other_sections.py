"""Published figures, what did not run, and how to get the numbers again."""

from eval.published import NOT_COMPARABLE, PublishedResult, published
from eval.report import words
from eval.report.document import Block, Bullets, Cell, Paragraph, Section, Table
from eval.suite.result import SuiteResult


def published_figures() -> Section:
    """What others report, apart from what was measured here."""
    found = published()
    sources = list(dict.fromkeys(_source(item) for item in found))
    rows = []
    for item in found:
        n = "" if item.n is None else f", n = {words.count(item.n)} {item.n_unit}"
        number = f"[{sources.index(_source(item)) + 1}]"
        rows.append(
            (
                f"{item.model} ({item.kind})",
                f"{item.data}{n}. {item.population}",
                f"{item.scale}, judged by {item.reference}",
                _scores(item),
                item.input_differs + (f" {item.note}" if item.note else ""),
                number if item.verified else Cell(f"{number} unverified", "bad"),
            )
        )
    table = Table(
        "published",
        "Published by others; not measured here",
        ("Model", "Data", "Level", "Scores", "How it differs", "Source"),
        tuple(rows),
        "Unverified: the figure was found only in notes about the source, not in its abstract, page or data.",
        words=True,
    )
    listed = Bullets(tuple(Paragraph(source, f"[{index}]") for index, source in enumerate(sources, 1)))
    return Section(
        "published", "Published figures, apart", (Paragraph(NOT_COMPARABLE, tone="note"), table, listed)
    )


def _scores(item: PublishedResult) -> str:
    told = [f"{words.score_name(key)} {value:g}{_interval(item, key)}" for key, value in item.scores.items()]
    told += [
        f"{key.replace('_', ' ')} {value:g}{_interval(item, key)}"
        for key, value in item.source_scores.items()
    ]
    return "; ".join(told)


def _interval(item: PublishedResult, key: str) -> str:
    found = item.intervals.get(key)
    return "" if found is None else f" ({found[0]:g} to {found[1]:g})"


def _source(item: PublishedResult) -> str:
    source = item.source
    where = (
        f"doi:{source.doi}" if source.doi else f"arXiv:{source.arxiv}" if source.arxiv else source.url or ""
    )
    review = {True: "", False: " Not peer reviewed.", None: " Peer review not known."}[source.peer_reviewed]
    return f"{source.citation}. {where}.{review}" if where else f"{source.citation}.{review}"


def not_run(result: SuiteResult) -> Section:
    """What was asked for and could not be had."""
    block: Block = Paragraph("Everything that was asked for ran.")
    if result.not_run:
        block = Bullets(tuple(Paragraph(item) for item in result.not_run))
    return Section("not-run", "What did not run", (block,))


def again(result: SuiteResult) -> Section:
    """Command, versions, hashes, seeds."""
    versions = result.versions
    run = Table(
        "again-run",
        "The run",
        ("What", "Value"),
        (
            ("Command", result.command),
            ("Suite", result.suite),
            ("Started", result.started.isoformat(timespec="seconds")),
            ("Took", f"{words.number(result.seconds, 0)} s"),
            ("Seed", str(result.seed)),
            ("Version", f"{versions.project}, commit {versions.commit or 'unknown'}"),
            ("Python", versions.python),
            ("Machine", versions.machine),
            *((name, value) for name, value in versions.packages.items()),
        ),
        words=True,
    )
    files = tuple(
        (name, task.title, digest)
        for task in result.tasks
        for name, digest in (*task.comparison.data.items(), *task.comparison.predictions.items())
    )
    hashes = Table(
        "again-files",
        "Files of cases and of answers, SHA-256",
        ("File or row", "Of", "SHA-256"),
        files,
        words=True,
        folded=True,
    )
    rows = tuple(
        (
            words.row_name(model.name, run=True),
            task.title,
            model.name,
            "; ".join(f"{k}: {v}" for k, v in model.details.items()) or words.NONE,
        )
        for task in result.tasks
        for model in task.models
    )
    models = Table(
        "again-rows", "The rows", ("Row", "On", "Name in files", "What it was"), rows, words=True, folded=True
    )
    statistics = tuple(
        (
            task.title, str(task.comparison.seed), words.count(task.comparison.resamples),
            "hospitals" if task.comparison.clustered else "cases", task.sample,
        )
        for task in result.tasks
    )  # fmt: skip
    drawn = Table(
        "again-draws",
        "Bootstrap and sample",
        ("Cases", "Seed", "Draws", "Of", "Sample"),
        statistics,
        words=True,
    )
    return Section("again", "How to get it again", (run, drawn, models, hashes))
