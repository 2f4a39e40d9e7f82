"""What computes an exported network: each runtime one definition in one file."""
