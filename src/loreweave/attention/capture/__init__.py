"""Attention weights of models while they read texts or predict for a task."""
