"""Formats of files: one file each, named as `--format` names it."""
