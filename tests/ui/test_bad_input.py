"""What a new user does wrong: a named finding with the triage done, or one line that says what to do."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest

from agents.errors import StoreError
from agents.store.engine import Database, sqlite_url
from integrations.samples import samples
from integrations.sandbox import SandboxServer
from ui.cli.app import run_app
from ui.cli.exits import Exit

OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
EVIL = "\x1b[31mchest\x1b]0;owned\x07 pain\x9b2J [bold red]now[/wrong] \u202eleft arm\u2028x"


@pytest.fixture(autouse=True)
def without_model(monkeypatch):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "none")


@pytest.fixture
def bundle(tmp_path):
    """Writes sample 26 after a change as ``<name>.json`` and returns its path."""

    def write(change=lambda by_type: None, name="one", edit=lambda text: text):
        body = next(sample for sample in samples() if sample.id == "26").bundle()
        by_type = {}
        for entry in body["entry"]:
            by_type.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
        change(by_type)
        path = tmp_path / "bundles" / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(edit(json.dumps(body).replace("sample-26-", f"{name}-")), encoding="utf-8")
        return path

    return write


@pytest.fixture
def command(monkeypatch, capsys, triage):
    """The whole command with its last resort, as a shell sees it: exit code, standard output and error."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["triage", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            run_app()
        shown = capsys.readouterr()
        return stopped.value.code or 0, shown.out, shown.err

    return run


def heart_rate(value):
    def change(by_type):
        (found,) = [o for o in by_type["Observation"] if o["code"]["coding"][0]["code"] == "8867-4"]
        found["valueQuantity"]["value"] = value

    return change


def complaint(text):
    return lambda by_type: by_type["Encounter"][0].update(reasonCode=[{"text": text}])


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "the file is empty"),
        (b"{not json", "line 1, column 2"),
        ('{"resourceType": "Bundle"}'.encode("utf-16"), "UTF-16"),
        (b"\x93\x00\xff", "byte 0 is not UTF-8"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number in it is beyond"),
        (b'{"a": 1e99999999999999999999}', "a number in it is beyond"),
        (b'{"a": 1, "a": 2}', "the same key twice"),
        (b'{"resourceType": "Patient"}', "not a Bundle"),
        (b"[1]", "a JSON object was expected"),
    ],
)
def test_a_file_that_is_no_bundle_is_named_with_the_reason(triage, tmp_path, raw, words):
    (tmp_path / "bad.json").write_bytes(raw)
    result = triage("assess", str(tmp_path / "bad.json"))
    assert result.code == Exit.FAILED
    (line,) = result.err.strip().splitlines()
    assert "bad.json" in line
    assert words in line
    assert result.out == ""


@pytest.mark.parametrize(
    ("value", "issue"),
    [(0, "impossible"), (900, "impossible"), ("98", "not-numeric"), (10**400, "impossible")],
)
def test_a_value_that_cannot_be_is_named_missing_and_the_triage_done(triage, bundle, value, issue):
    result = triage("assess", str(bundle(heart_rate(value))), "--json")
    assert result.code == Exit.RULES_ONLY, result.err
    record = result.lines[0]["intake"]
    assert "heart_rate" in record["missing"]
    assert [found["issue"] for found in record["findings"]] == [issue]


def test_what_a_terminal_obeys_never_reaches_it(triage, bundle, tmp_path):
    bundle(complaint(EVIL))
    (tmp_path / "bundles" / "\x1b[31m[bold]name.json").write_text("{")
    shown = triage("assess", str(tmp_path / "bundles"), "--details")
    listed = triage("cases", "--json")
    (case,) = listed.lines
    decided = triage("review", case["id"], "--accept", "--confirm", "--comment", EVIL, "--reviewer", EVIL)
    told = triage("explain", case["id"])
    for result in (shown, listed, decided, told, triage("cases"), triage("show", case["id"], "--json")):
        assert not OBEYED.search(result.out + result.err)
    assert "[bold red]now[/wrong]" in shown.out
    assert "[bold]name.json" in shown.err
    assert "[bold red]now[/wrong]" in decided.out


def test_an_unknown_case_named_as_markup_is_one_line(command, triage):
    code, _, err = command("show", "\x1b[31m[/x]", "--data-dir", triage.data_dir)
    assert code == Exit.FAILED
    assert err.startswith("UnknownCaseError: no case has the id [31m[/x]")


def test_a_folder_names_what_it_cannot_open_and_reads_bundles_beside_an_export(triage, bundle, tmp_path):
    good = bundle()
    (good.parent / "dangling.json").symlink_to(tmp_path / "nowhere")
    (good.parent / "export.ndjson").write_text("{}\n")
    (good.parent / "manifest.json").write_text('{"transactionTime": "2026-03-04"}')
    result = triage("assess", str(good.parent), "--json")
    assert result.code == Exit.SOME_UNREADABLE
    assert len(result.lines) == 1
    assert "dangling.json: file: cannot be opened" in result.err
    assert "manifest.json" not in result.err


@pytest.mark.parametrize("source", ["", "ftp://example.org/fhir"])
def test_a_source_that_is_none_is_a_usage_error(triage, source):
    result = triage("assess", source)
    assert result.code == Exit.USAGE
    assert "http://" in result.err


def test_an_output_file_that_cannot_be_written_is_said_before_anything_is_done(triage, bundle, tmp_path):
    result = triage("assess", str(bundle()), "--out", str(tmp_path / "no" / "out.jsonl"))
    assert result.code == Exit.USAGE
    assert "--out" in result.err
    assert triage("cases", "--json").lines == []


@pytest.mark.parametrize("name", ["triage.db", "triage-checkpoints.db"])
def test_damaged_records_are_named_with_their_file_and_left_alone(command, triage, bundle, name):
    assert triage("assess", str(bundle())).code == Exit.RULES_ONLY
    for other in triage.data_dir.glob(f"{name}-*"):
        other.unlink()
    damaged = b"this is not a database" * 100
    (triage.data_dir / name).write_bytes(damaged)
    code, _, err = command("cases", "--data-dir", triage.data_dir)
    assert code == Exit.FAILED
    assert name in err
    assert "backup" in err
    assert (triage.data_dir / name).read_bytes() == damaged


def test_a_data_folder_that_is_a_file_is_named(command, bundle, tmp_path):
    (tmp_path / "taken").write_text("")
    code, _, err = command("assess", bundle(), "--data-dir", tmp_path / "taken")
    assert code == Exit.FAILED
    assert "taken" in err
    assert "TRIAGE_DATA_DIR" in err


@pytest.mark.parametrize("url", ["nonsense", "sqlite://", "oracle://a:hidden@b/c"])
def test_a_database_url_that_cannot_be_used_is_one_line_without_its_password(
    command, triage, monkeypatch, url
):
    monkeypatch.setenv("TRIAGE_DATABASE_URL", url)
    code, _, err = command("cases")
    assert code == Exit.FAILED
    assert err.startswith("StoreError: ")
    assert "TRIAGE_DATABASE_URL" in err
    assert "hidden" not in err


async def test_a_full_disk_is_named(tmp_path):
    database = Database(sqlite_url(tmp_path / "triage.db"))
    try:
        await database.migrate()
        with pytest.raises(StoreError, match=r"SQLITE_FULL.*disk is full"):
            await database.write(
                lambda connection: [
                    connection.exec_driver_sql("PRAGMA max_page_count = 1"),
                    connection.exec_driver_sql("CREATE TABLE t (x)"),
                    connection.exec_driver_sql("INSERT INTO t VALUES (randomblob(9999999))"),
                ]
            )
    finally:
        database.close()


@pytest.mark.parametrize(
    ("text", "words"),
    [(None, "no such file"), ("a = [", "cannot be read as TOML"), ("bogus = 1", "TRIAGE_BOGUS")],
)
def test_a_configuration_file_that_cannot_be_used_stops_everything(
    triage, monkeypatch, tmp_path, text, words
):
    if text is not None:
        (tmp_path / "site.toml").write_text(text)
    monkeypatch.setenv("TRIAGE_CONFIG", str(tmp_path / "site.toml"))
    result = triage("cases")
    assert result.code == Exit.USAGE
    assert words in result.err


@pytest.mark.parametrize(("name", "value"), [("TRIAGE_GUIDELINES_DIR", "x"), ("TRIAGE_FHIR", "{bad")])
def test_a_misspelt_or_broken_variable_stops_everything(triage, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    result = triage("cases")
    assert result.code == Exit.USAGE
    assert name.removeprefix("TRIAGE_").lower() in result.err.lower()


@pytest.mark.parametrize("content", [None, "a: [", "- 5"])
def test_guidelines_that_are_not_there_or_broken_stop_the_triage(
    command, triage, bundle, monkeypatch, tmp_path, content
):
    folder = tmp_path / "guidelines"
    folder.mkdir()
    if content is not None:
        (folder / "own.yaml").write_text(content)
    monkeypatch.setenv("TRIAGE_GUIDELINE_DIR", str(folder))
    code, _, err = command("assess", bundle(), "--data-dir", triage.data_dir)
    assert code == Exit.FAILED
    assert err.startswith("GuidelineError: ")


def test_an_adapter_that_is_not_there_leaves_the_rules_and_says_why(triage, bundle, monkeypatch, tmp_path):
    monkeypatch.setenv("TRIAGE_MODEL__ENGINE", "embedded")
    monkeypatch.setenv("TRIAGE_MODEL__ADAPTER", str(tmp_path / "no-adapter"))
    result = triage("assess", str(bundle()))
    assert result.code == Exit.RULES_ONLY
    assert "1 of 1 by rules alone" in result.err
    assert "no-adapter" in result.err


def test_a_defect_is_one_line_without_what_it_says(command, monkeypatch):
    def broken():
        raise KeyError("Jane Doe")

    monkeypatch.setattr("ui.cli.configuration.common.settings", broken)
    code, _, err = command("config", "show")
    assert code == Exit.FAILED
    assert re.match(r"defect: KeyError at test_bad_input\.py:\d+", err)
    assert "Jane" not in err


@pytest.mark.slow
def test_interrupted_in_the_middle_of_a_folder_the_same_command_goes_on(triage, tmp_path):
    folder = tmp_path / "bundles"
    folder.mkdir()
    for sample in samples()[:40]:
        for copy in range(4):  # enough of them to be in the middle when we look
            raw = sample.raw().replace("sample-", f"copy{copy}-").replace("SAMPLE-", f"COPY{copy}-")
            (folder / f"{copy}-{sample.file}").write_text(raw)
    out = tmp_path / "out.jsonl"
    line = ["assess", str(folder), "--out", str(out), "--data-dir", str(triage.data_dir)]
    # Who starts the tests in the background lets them inherit an ignored SIGINT.
    start = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from ui.cli import main; main()"
    # Behind us in the queue for a busy core: else it may be at its end before we look.
    process = subprocess.Popen(
        ["nice", "-n", "15", sys.executable, "-c", start, *line],
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (out.exists() and out.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == Exit.INTERRUPTED
    assert "interrupted: what was done is kept" in said
    assert "Traceback" not in said
    done = len(out.read_text().splitlines())
    assert 0 < done < 160
    result = triage("assess", str(folder), "--json")
    assert result.code == Exit.RULES_ONLY, result.err
    assert len(result.lines) == 160
    assert all(case["assessments"] == 1 for case in result.lines)
    assert triage("audit", "verify").code == Exit.DONE


def test_a_decision_owed_to_a_server_survives_every_command_that_cannot_reach_it(triage, bundle, own_server):
    own_server.load(next(sample for sample in samples() if sample.id == "02").bundle())
    url = own_server.base_url
    assert triage("assess", url).code == Exit.RULES_ONLY
    (case,) = triage("cases", "--json").lines
    assert case["proposal"]["state"] == "not-configured"
    assert triage("assess", url, "--write").code == Exit.RULES_ONLY
    (case,) = triage("cases", "--json").lines
    assert case["proposal"]["state"] == "written"
    own_server.stop()
    assert triage("review", case["id"], "--accept", "--confirm").code == Exit.NOT_WRITTEN
    assert triage("assess", str(bundle())).code == Exit.RULES_ONLY
    assert triage("recover").code == Exit.NOT_WRITTEN
    pending = triage("pending")
    assert pending.code == Exit.NOT_WRITTEN
    assert case["id"] in pending.out
    port = int(url.rsplit(":", 1)[1].partition("/")[0])
    with SandboxServer(own_server.folder, venv=own_server._venv, port=port):
        assert triage("recover", "--server", url).code == Exit.DONE
        assert triage("pending").code == Exit.DONE


def test_a_server_with_nobody_waiting_says_so(triage, own_server):
    result = triage("assess", own_server.base_url)
    assert result.code == Exit.DONE
    assert "nobody waits" in result.err
