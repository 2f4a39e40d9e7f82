"""Where the car was: tracks of GPS fixes, set on the film's time, and the positions of signs beside them."""
