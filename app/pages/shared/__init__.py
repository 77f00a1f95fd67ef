"""What every page shares: the bar at the top, styles, words, and the scripts of all."""
