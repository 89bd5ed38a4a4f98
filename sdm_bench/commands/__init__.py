"""The verbs of the program as functions with plain arguments: what the command line and the demo call."""
