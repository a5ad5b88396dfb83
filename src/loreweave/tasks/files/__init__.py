"""Files of tasks: records, queries, predictions, results, splits."""
