"""The trail of what people decided: append-only, each entry chained to the one before."""
