"""FHIR R4: reading an ED visit as an intake record, and writing the outcome back."""

from integrations.fhir.auth import BearerAuth
from integrations.fhir.client import FhirClient
from integrations.fhir.errors import FhirError, IntakeError
from integrations.fhir.reader import ReadResult, read_bundle, read_path
from integrations.fhir.reader_settings import ReaderSettings
from integrations.fhir.server_reader import read_server
from integrations.fhir.writer import FhirWriter

__all__ = [
    "BearerAuth",
    "FhirClient",
    "FhirError",
    "FhirWriter",
    "IntakeError",
    "ReadResult",
    "ReaderSettings",
    "read_bundle",
    "read_path",
    "read_server",
]
