"""Lives: of retention over temperature, and of endurance over write cycles."""
