"""From films of drives to what the driver must know.  No torch."""
