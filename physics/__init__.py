"""Filament physics: vacancy drift-diffusion, current continuity and Joule heating."""
