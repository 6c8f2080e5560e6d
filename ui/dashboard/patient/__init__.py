"""What the patient's page is made of: who it is, the suggestion and why, the record, the decision, new vital signs."""
