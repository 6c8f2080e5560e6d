"""Labelled data sets as intake records: KTAS, NHAMCS, MIMIC-IV-ED, teaching vignettes, the project's own cases.

``read_ktas(path)``, ``read_nhamcs(path)``, ``read_mimic(path)``, ``read_vignettes(path)``, ``read_authored()`` and
``read_authored_ktas()`` yield ``LabelledCase``s. Facts are made only of the columns on each data set's allow-list;
labels, diagnoses, outcomes and survey design never reach a record. A hospital's own FHIR export is read by
``integrations.fhir.export_corpus``, which is a floor above. ``cards/`` holds a data card for each.
"""

from triage.training.corpus.authored import AuthoredCase, authored_cases
from triage.training.corpus.authored import read as read_authored
from triage.training.corpus.authored_ktas import AuthoredKtas, authored_ktas_cases
from triage.training.corpus.authored_ktas import read as read_authored_ktas
from triage.training.corpus.case import LabelledCase
from triage.training.corpus.ktas import read as read_ktas
from triage.training.corpus.mimic import read as read_mimic
from triage.training.corpus.nhamcs import read as read_nhamcs
from triage.training.corpus.tables import CorpusError
from triage.training.corpus.vignettes import read as read_vignettes

__all__ = [
    "AuthoredCase",
    "AuthoredKtas",
    "CorpusError",
    "LabelledCase",
    "authored_cases",
    "authored_ktas_cases",
    "read_authored",
    "read_authored_ktas",
    "read_ktas",
    "read_mimic",
    "read_nhamcs",
    "read_vignettes",
]
