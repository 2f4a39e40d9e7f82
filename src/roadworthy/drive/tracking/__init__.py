"""From boxes in frames to one trail for each physical sign."""
