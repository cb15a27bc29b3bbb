"""May we write to this person now: consent, opt-outs, holds, the words people use, their hours."""
