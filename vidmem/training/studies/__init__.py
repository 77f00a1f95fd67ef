"""Generated tasks that ask one thing of a network, and the networks that are compared on them."""
