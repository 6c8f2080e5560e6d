"""Labelled data sets as intake records: KTAS, NHAMCS, teaching vignettes.

``read_ktas(path)``, ``read_nhamcs(path)`` and ``read_vignettes(path)`` yield ``LabelledCase``s. Facts are made only of
the columns on each data set's allow-list; labels, diagnoses, outcomes and survey design never reach a record.
"""

from triage.training.corpus.case import LabelledCase
from triage.training.corpus.ktas import read as read_ktas
from triage.training.corpus.nhamcs import read as read_nhamcs
from triage.training.corpus.tables import CorpusError
from triage.training.corpus.vignettes import read as read_vignettes

__all__ = ["CorpusError", "LabelledCase", "read_ktas", "read_nhamcs", "read_vignettes"]
