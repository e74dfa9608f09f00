"""The panels of a paper, one file each; see `devicekit.figures.drawn` for what such a file declares."""
