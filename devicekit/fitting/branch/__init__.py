"""One branch: trains, the search, its uncertainty, and what it can be trusted with."""
