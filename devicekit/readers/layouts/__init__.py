"""From cells to a layout, and from a layout to a table: for tables that no instrument's format explains."""
