"""The figures of a report: one module each, with a function `draw`."""
