"""The command line: starts Hantar, and does by hand what it otherwise does by itself. Holds no rule of the product."""

import asyncio
import contextlib
import importlib.metadata
import json
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from hantar.kit import db, embedded, embedded_address, errors
from hantar.policy import environment
from hantar.settings import Rules, Settings, SettingsError

T = TypeVar("T")
app = typer.Typer(help="Hantar: WhatsApp campaigns from your own server.", no_args_is_help=True, pretty_exceptions_enable=False)
opt_outs = typer.Typer(help="The list of opt-outs and erasures as a file, without any number.", no_args_is_help=True)
app.add_typer(opt_outs, name="opt-outs")
_errors = Console(stderr=True, highlight=False, soft_wrap=True)


def _settings(*, warn: bool = True) -> Settings:
    """The settings; says what is wrong with them and ends when they cannot be used."""
    try:
        settings = Settings.load(rules=Rules(environment.VARIABLES, environment.problems, environment.ALIASES))
    except SettingsError as error:
        for problem in error.problems:
            _errors.print(problem, style="red", markup=False)
        raise typer.Exit(2) from None
    for warning in settings.warnings if warn else ():
        _errors.print(warning, style="yellow", markup=False)
    return settings


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(importlib.metadata.version("hantar"))
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """Hantar: WhatsApp campaigns from your own server."""


@app.command()
def up() -> None:
    """Start everything in one process: database, pages, API and engine. Ctrl-C stops it."""
    from hantar import app as program  # the other commands start faster without it

    settings = _settings(warn=False)  # the program puts the warnings into its log
    with _told_plainly():
        program.run(settings)


@app.command()
def migrate() -> None:
    """Bring the database to today's schema; `up` does this by itself."""
    from hantar.migrations import run as migrations  # the other commands start faster without it

    with _told_plainly(), _database(_settings()) as dsn:
        asyncio.run(migrations.upgrade(dsn))
    typer.echo("The database has today's schema.")


@app.command()
def openapi() -> None:
    """Print the description of the API (OpenAPI), from which programs and the pages take their types."""
    from hantar import app as program  # the other commands start faster without it
    from hantar.web import openapi as description  # likewise

    with tempfile.TemporaryDirectory() as folder:
        house = program.build(Settings(data_dir=Path(folder)), "postgresql://", bytes(32))  # built, never started
        typer.echo(json.dumps(description.document(house.web), ensure_ascii=False, indent=1))


@app.command()
def bench(
    quick: Annotated[
        bool, typer.Option("--quick", help="A paced fleet, a drained queue and a few kills, within a minute.")
    ] = False,
    full: Annotated[bool, typer.Option("--full", help="Every bar at its full size; takes most of an hour.")] = False,
    only: Annotated[list[str] | None, typer.Option("--only", help="One run by its name, such as paced or drain.")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="How long a run is measured.")] = None,
    devices: Annotated[int | None, typer.Option(min=1, max=200_000, help="How many devices a run has.")] = None,
    messages: Annotated[int | None, typer.Option(min=1, max=16_000_000, help="How many messages wait.")] = None,
    rows: Annotated[int | None, typer.Option(min=0, max=16_000_000, help="How many finished messages lie behind.")] = None,
    crash: Annotated[int | None, typer.Option(min=1, help="Kill engine and database so often at random.")] = None,
    seed: Annotated[int, typer.Option(help="Which chances the kills take.")] = 1,
    peers: Annotated[bool, typer.Option("--peers", help="Other queues beside Hantar; needs a checkout.")] = False,
    receipts: Annotated[bool, typer.Option("--receipts", help="Let receipts come back in the paced runs.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object on standard output, the rest on standard error.")
    ] = False,
) -> None:
    """Measure the engine on a throw-away PostgreSQL with simulated devices; nothing of this installation is touched."""
    from hantar.bench import command  # the other commands start faster without it

    asked = command.Asked(quick, full, tuple(only or ()), seconds, devices, messages, rows, crash, seed, peers, receipts, as_json)
    with _told_plainly():
        raise typer.Exit(command.run(asked))


@opt_outs.command("export")
def export_opt_outs(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="Where to write it; keep it apart from the backups.")],
) -> None:
    """Write every opt-out and erasure, live and released, as keyed hashes."""
    from hantar.consent import copy  # the other commands start faster without it

    count = _with_database(lambda database: copy.export(database, file))
    typer.echo(f"{count} entries written to {file}.")


@opt_outs.command("merge")
def merge_opt_outs(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A list that `export` wrote.")],
) -> None:
    """Add what a list knows and this database does not. Do it after restoring a backup, before anything is sent."""
    from hantar.consent import copy  # the other commands start faster without it

    done = _with_database(lambda database: copy.merge(database, file))
    typer.echo(
        f"{done.added} opt-outs added, {done.raised} in force again, {done.erasures} erasures to be done at the next start."
    )
    if done.homeless:
        typer.echo(f"{done.homeless} entries belong to workspaces that are not in this database, and were left out.")


def _with_database(act: Callable[[db.Database], Awaitable[T]]) -> T:
    """Do something with the database at today's schema, under the installation's key."""
    from hantar import installation  # the other commands start faster without it
    from hantar.migrations import run as migrations  # likewise
    from hantar.persons import service as persons  # likewise

    settings = _settings()

    async def run(dsn: str) -> T:
        await migrations.upgrade(dsn)
        database = db.Database(dsn, key=await installation.settle_key(dsn, settings.data_dir), size=2)
        try:
            await persons.backfill(database)
            return await act(database)
        finally:
            await database.close()

    with _told_plainly(), _database(settings) as dsn:
        return asyncio.run(run(dsn))


@contextlib.contextmanager
def _told_plainly() -> Iterator[None]:
    """Errors that a user can put right are shown as a sentence, without a traceback."""
    try:
        yield
    except (embedded.EmbeddedError, errors.AppError) as error:
        _errors.print(str(error), style="red", markup=False)
        sys.exit(1)


@contextlib.contextmanager
def _database(settings: Settings) -> Iterator[str]:
    """The address of the database: the user's, the one that runs already, or our own for the length of this command."""
    running = settings.database_url or embedded_address.address_of_running(settings.data_dir)
    if running:
        yield running
        return
    server = embedded.Embedded(settings.data_dir, pg_bin=settings.pg_bin)
    try:
        yield server.start()
    finally:
        server.stop()
