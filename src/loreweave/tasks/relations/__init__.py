"""Shared parts of tasks on relations: records, file layouts, documents."""
