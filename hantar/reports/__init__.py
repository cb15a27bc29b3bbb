"""Read-only questions over the rows: summaries, the device report, the dashboard. It writes nothing."""
