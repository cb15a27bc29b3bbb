"""Lets `python -m hantar` be the same command as `hantar`."""

from hantar.cli import app

if __name__ == "__main__":
    app(prog_name="hantar")
