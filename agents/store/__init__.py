"""What the agent remembers: cases, immutable assessments, reviews, an outbox and an audit chain."""
