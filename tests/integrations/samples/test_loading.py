"""The samples on a real FHIR server: a transaction each, and a second load changes no count."""

import httpx

from integrations.samples import samples

KINDS = ("Patient", "Encounter", "Observation", "Condition", "DocumentReference")


def counts(client: httpx.Client) -> dict[str, int]:
    """How many resources of each kind the samples left on the server, by their fixed ids."""
    wanted = {
        f"{entry['resource']['resourceType']}/{entry['resource']['id']}"
        for sample in samples()
        for entry in sample.bundle()["entry"]
    }
    found: dict[str, int] = {}
    for kind in KINDS:
        ids: list[str] = []
        url: str | None = f"{kind}?_count=500"
        while url:
            page = client.get(url).raise_for_status().json()
            ids += [f"{kind}/{entry['resource']['id']}" for entry in page.get("entry", ())]
            url = next((link["url"] for link in page.get("link", ()) if link["relation"] == "next"), None)
        found[kind] = sum(name.split("/")[1].startswith("sample-") for name in ids)
        assert {name for name in wanted if name.startswith(f"{kind}/")} <= set(ids)
    return found


def load(client: httpx.Client) -> None:
    for sample in samples():
        answer = client.post("", content=sample.raw(), headers={"Content-Type": "application/fhir+json"})
        assert answer.is_success, (sample.id, answer.text)
        statuses = {entry["response"]["status"].split()[0] for entry in answer.json()["entry"]}
        assert statuses <= {"200", "201"}, (sample.id, statuses)


def test_loading_twice_is_loading_once(fhir_server):
    with httpx.Client(base_url=fhir_server.rstrip("/") + "/", timeout=30) as client:
        load(client)
        once = counts(client)
        load(client)
        assert counts(client) == once
    assert once["Patient"] == once["Encounter"] == len(samples())
