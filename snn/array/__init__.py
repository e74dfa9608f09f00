"""What an array of a card's devices needs to hold a network: tile, converters, programming, time, wear, energy."""
