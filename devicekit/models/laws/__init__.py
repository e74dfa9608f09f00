"""Laws that are rates of the state: one file for each law, with its equation `ell` and its descriptor LAW."""
