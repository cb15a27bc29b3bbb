"""The schema, step by step; migrations run by themselves and refuse to run twice or half."""
