"""Their words into ours: a gateway knows addresses, bodies and media; no campaign, no pacing, no consent, no database."""
