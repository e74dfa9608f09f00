"""Targets of an export: one file each, named as `--to` names it."""
