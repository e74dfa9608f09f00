"""Laws that are rates of the state: one file a law, each with its equation `ell` and its descriptor LAW."""
