"""A person as a whole, over all rooms: what we know, why not, merge, erase, copy."""
