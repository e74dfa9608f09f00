"""Laws that are curves of the pulse number: one file for each law, each with its descriptor LAW."""
