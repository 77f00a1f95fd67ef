"""A stream's packets: what they say of themselves, and the one time line they are on."""
