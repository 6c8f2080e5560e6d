"""NCHS reasons for visit as the words of a chief complaint.

The public-use labels are cut at about 38 characters and carry coders' tails ("NOS", "ache, soreness, discomfort").
A nurse writes "back pain", so that is what the complaint says; the label as published stays in ``as_received``.
"""

import re
from functools import lru_cache

_PAIN_TAIL = re.compile(r"( pain),? (?:ache|aching), .*$|( pain), cramps.*$|( joint pain), .*$")
_CODERS_TAIL = re.compile(r",?\s+\b(?:nos|nec)\b")
_OPEN_END = re.compile(
    r",?\s+(?:and|or|of|the|to|with|for|not|in|a|an|e|di|ac|no)$|,\s*$|,\s+(?:sorene|discom|soreness|ache)$"
)

_COMPLETED: dict[str, str] = {
    "oth symptoms/problems relat to psycho": "other psychological or mental symptoms or problems",
    "general psychiatric or psychological": "general psychiatric or psychological examination",
    "motor vehicle accident, type of injur": "motor vehicle accident, type of injury unspecified",
    "complications of surgical/medical proc": "complications of surgical or medical procedure",
    "injury, other and unspecified of head": "head, neck or face injury",
    "injury, other and unspecified, of han": "hand or finger injury",
    "injury, other and unspecified, of foo": "foot or toe injury",
    "injury, other and unspecified, of sho": "shoulder injury",
    "injury, other and unspecified, of che": "chest or abdominal injury",
    "head cold, upper respiratory infectio": "head cold, upper respiratory infection",
    "other symptoms referable to the nervo": "other nervous system symptoms",
    "other endocrine, nutritional, and met": "other endocrine, nutritional or metabolic disease",
    "pain, specified site not referable to": "pain at a specified site",
    "stomach and abdominal pain, cramps an": "stomach and abdominal pain, cramps and spasms",
    "other and unspecified symptoms refera": "other and unspecified symptoms",
    "diseases of the esophagus, stomach, a": "disease of the esophagus, stomach or duodenum",
    "contusions/abrasions/bruises of head,": "contusion, abrasion or bruise of head, neck or face",
    "contusions/abrasions/bruises of upper": "contusion, abrasion or bruise of upper extremity",
    "contusions/abrasions/bruises of lower": "contusion, abrasion or bruise of lower extremity",
    "contusions/abrasions/bruises of trunk": "contusion, abrasion or bruise of trunk",
    "contusions/abrasions/bruises of eye": "contusion, abrasion or bruise of eye",
    "contusion/abrasion/bruise, site unspe": "contusion, abrasion or bruise, site unspecified",
    "pain, aching, tenderness of the scrot": "pain or tenderness of the scrotum or testes",
    "unspecified muscle pain, ache, sorene": "muscle pain",
    "unspecified joint pain, ache, sorenes": "joint pain",
    "other and unspecified diseases of the": "other and unspecified disease of the nervous system",
    "police involvement in outpatient visi": "police involvement",
    "ingestion, inhalation, or exposure to": "ingestion, inhalation or exposure to a harmful substance",
    "diseases of the liver, gallbladder, a": "disease of the liver, gallbladder or pancreas",
    "infant crying too much, fussy, fidget": "infant crying too much, fussy, fidgety",
    "other musculoskeletal or connective t": "other musculoskeletal or connective tissue disease",
    "symptoms of face, not elsewhere class": "symptoms of the face",
    "changes in size, color, shape, or odo": "changes in size, color, shape or odor of stool",
    "upper respiratory infections except t": "upper respiratory infection except tonsillitis",
    "foreign body in other and unspecified": "foreign body, other or unspecified site",
    "other and unspecified infectious and": "other and unspecified infectious disease",
    "swelling, inflammation of the scrotum": "swelling or inflammation of the scrotum",
    "urinary tract instrumentation and cat": "urinary tract instrumentation or catheter",
    "for results of cholesterol and trigly": "results of cholesterol and triglyceride test",
    "pain, aching, soreness, tenderness, p": "pain or tenderness of the penis",
    "other symptoms referable to the respi": "other respiratory symptoms",
    "other symptoms referable to urinary t": "other urinary tract symptoms",
    "other symptoms referable to the femal": "other female reproductive symptoms",
    "other symptoms or changes in bowel fu": "other changes in bowel function",
    "other symptoms ref to the cardiovas/l": "other cardiovascular or lymphatic symptoms",
    "involuntary urination, can't hold uri": "involuntary urination, cannot hold urine",
    "unspecified muscle cramps, contractur": "muscle cramps, contractures or spasms",
    "other and unspecified congenital anom": "other and unspecified congenital anomaly",
    "other diseases of blood and blood-for": "other disease of blood",
    "other disturbances of sense, includin": "other disturbance of sense",
    "infection of skin of arm, hand, or fi": "infection of skin of arm, hand or finger",
    "general or unspecified nonviral infec": "general or unspecified nonviral infection",
    "excessively heavy (menorrhagia) menst": "excessively heavy menstruation (menorrhagia)",
    "exposure to human immunodeficiency vi": "exposure to human immunodeficiency virus",
}
"""Labels that are cut in the middle of a word or say little, by their published text in lower case."""


@lru_cache(maxsize=4096)
def reason_words(label: str) -> str:
    """The complaint of one published label: lower case, coders' tails and half words removed.

    ``"Back pain, ache, soreness, discomfort"`` is ``"back pain"``; ``"Accident, NOS"`` is ``"accident"``. Never
    empty for a label that is not.
    """
    words = " ".join(label.lower().split())
    if words in _COMPLETED:
        return _COMPLETED[words]
    shorter = _PAIN_TAIL.sub(lambda match: next(filter(None, match.groups())), words)
    shorter = _CODERS_TAIL.sub("", shorter)
    previous = None
    while previous != shorter:
        previous, shorter = shorter, _OPEN_END.sub("", shorter)
    shorter = shorter.replace("injury, other and unspecified, of ", "injury of ")
    return shorter.strip(" ,;") or words
