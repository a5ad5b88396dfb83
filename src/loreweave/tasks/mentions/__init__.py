"""Shared parts of tasks that classify mentions: files, inputs with markers, and a classifier over markers."""
