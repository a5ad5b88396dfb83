"""The command line: one small module per command, each with a function `command` and no logic of its own."""
