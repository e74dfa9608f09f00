"""Which conduction mechanism the data of a branch do not exclude: forms, fits, and the verdict over them."""
