"""The laws of a stack, as pure functions: conduction, reaction and heat are one file each and may be added to."""
