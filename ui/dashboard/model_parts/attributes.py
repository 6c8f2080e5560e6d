"""The 31 source attributes of a predictive decision support intervention, in the order of the rule.

45 CFR 170.315(b)(11)(iv)(B), adopted by the HTI-1 rule (89 FR 1192, 9 January 2024). The questions' words are in the
catalogue, in our own wording; the answers stand beside the adapter that they are about.
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "details": ("developer", "funding", "output_value", "output_kind"),
    "purpose": ("intended_use", "intended_patients", "intended_users", "decision_role"),
    "caution": ("out_of_scope", "known_risks"),
    "development": (
        "training_criteria",
        "input_demographics",
        "training_representativeness",
        "training_relevance",
    ),
    "fairness": ("fairness_approach", "bias_mitigation"),
    "external": ("external_source", "external_party", "external_representativeness", "external_process"),
    "measures": (
        "validity_same_source",
        "fairness_same_source",
        "validity_external",
        "fairness_external",
        "outcome_evaluations",
    ),
    "maintenance": ("validity_monitoring", "validity_local", "fairness_monitoring", "fairness_local"),
    "updates": ("update_process", "correction_frequency"),
}
KEYS: tuple[str, ...] = tuple(key for keys in GROUPS.values() for key in keys)
