"""Laws that are curves of the pulse number: one file a law, each with its descriptor LAW."""
