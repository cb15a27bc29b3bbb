"""Other queues doing our work on the same machine; how each was tuned, and what that does not say, stands in README.md."""
