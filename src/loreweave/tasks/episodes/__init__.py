"""Shared parts of few-shot tasks: training in episodes, and copies of queries in a support set."""
