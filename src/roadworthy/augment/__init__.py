"""Augmentation: batched, one random draw per picture, aware of what a sign means."""
