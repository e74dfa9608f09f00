"""Requirements of an array of a card's devices for a network: tile, converters, programming, time, wear, energy."""
