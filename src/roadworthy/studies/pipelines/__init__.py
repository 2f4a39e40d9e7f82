"""How the study fed and computed its training, and what can be changed in that: timed by `study profile`."""
