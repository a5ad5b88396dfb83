"""Attention of encoders: captured from any model and task, measured, and shown on one page without a network."""
