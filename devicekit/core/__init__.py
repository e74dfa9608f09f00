"""What every room needs: text, numbers with units, statistics, errors and coded warnings."""
