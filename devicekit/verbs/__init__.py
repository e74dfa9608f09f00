"""Verbs: what the command line, the app and studies do, each once, from a request to an `Outcome`."""
