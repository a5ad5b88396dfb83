"""Frozen probes: what the vectors of mentions of an encoder are worth for relations and types, without fine-tuning."""
