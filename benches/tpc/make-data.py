#!/usr/bin/env python3
"""Makes the data and the query texts of one TPC benchmark at scale factor 1.

usage: make-data.py tpch|tpcds FOLDER

Writes FOLDER/NAME/TABLE.csv (with a header line) and FOLDER/NAME/queries.sql, in which
`-- q01` stands before the first query. Standard library only: the generators are installed
into FOLDER/venv. On failure the last line on standard output says why.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path
from shutil import rmtree

# DuckDB 1.0.0 is the last whose wheel holds the generator of TPC-DS; later ones fetch it from the network.
PINNED = ["duckdb==1.0.0", "tpchgen-cli==4.0.0"]


def main(name: str, folder: Path) -> None:
    tools = folder / "venv"
    if Path(sys.prefix).resolve() != tools.resolve():
        ensure(tools)
        python = str(tools / "bin" / "python")
        os.execv(python, [python, __file__, name, str(folder)])
    partial = folder / f"{name}.partial"
    rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    {"tpch": make_tpch, "tpcds": make_tpcds}[name](partial, tools)
    write_queries(name, partial)
    rmtree(folder / name, ignore_errors=True)
    partial.rename(folder / name)


def ensure(tools: Path) -> None:
    """A virtual environment with the generators, complete or not there at all."""
    done = tools / "installed"
    if done.exists() and done.read_text().split() == PINNED:
        return
    note(f"installing {' and '.join(PINNED)}")
    rmtree(tools, ignore_errors=True)
    venv.create(tools, with_pip=True)
    pip = [str(tools / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    # Without a wheel for this Python, pip would try for an hour to compile.
    installed = subprocess.run([*pip, "--only-binary=:all:", *PINNED], capture_output=True, text=True)
    if installed.returncode != 0:
        errors = [line for line in installed.stderr.splitlines() if line.startswith("ERROR")]
        fail(f"the generators are not to be had: {errors[-1] if errors else 'pip failed'}")
    done.write_text("\n".join(PINNED))


def make_tpch(folder: Path, tools: Path) -> None:
    note("generating TPC-H")
    generator = [str(tools / "bin" / "tpchgen-cli"), "csv", "--scale-factor", "1", "--quiet"]
    made = subprocess.run([*generator, "--output-dir", str(folder)], capture_output=True, text=True)
    if made.returncode != 0:
        fail(f"tpchgen-cli failed: {' '.join(made.stderr.split())}")


def make_tpcds(folder: Path, _tools: Path) -> None:
    import duckdb

    note("generating TPC-DS")
    # In a file: in memory it would take gigabytes.
    store = folder / "generated.duckdb"
    with duckdb.connect(str(store)) as db:
        db.execute("call dsdgen(sf = 1)")
        for (table,) in db.execute("select table_name from information_schema.tables order by 1").fetchall():
            db.execute(f"copy {table} to '{quoted(folder / table)}.csv' (format csv, header true)")
    for rest in folder.glob("generated.duckdb*"):
        rest.unlink()


def write_queries(name: str, folder: Path) -> None:
    """The texts with the validation parameters. Their dates are constants already, so PostgreSQL reads them as they are."""
    import duckdb

    texts = duckdb.connect().execute(f"select query_nr, query from {name}_queries() order by 1").fetchall()
    pieces = [f"-- q{number:02}\n{text.strip().rstrip(';').rstrip()};\n" for number, text in texts]
    (folder / "queries.sql").write_text("\n".join(pieces))


def quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def note(text: str) -> None:
    print(f"tpc: {text}", file=sys.stderr)


def fail(reason: str) -> None:
    print(reason)
    sys.exit(1)


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("tpch", "tpcds"):
        sys.exit(__doc__)
    try:
        main(sys.argv[1], Path(sys.argv[2]).absolute())
    except (OSError, subprocess.SubprocessError) as error:
        fail(str(error))
