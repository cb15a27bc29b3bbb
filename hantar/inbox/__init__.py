"""What comes in: kept, understood, and acted on in the same transaction."""
