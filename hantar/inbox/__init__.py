"""What comes in: who wrote, what the words ask for, and what is done about it in the same transaction."""
