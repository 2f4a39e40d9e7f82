"""How well drives are read: ground truth, what was found held against it, and the measures.  No torch."""
