"""What few-shot tasks share: training in episodes, and copies of queries in a support."""
