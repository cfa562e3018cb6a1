# Copyright (c) 2026 Cloud-Barista
# SPDX-License-Identifier: Apache-2.0
"""Lets atheris look for bytes that do harm, guided by which lines they reach.

    python tests/unit/fuzz/coverage_fuzzing.py TARGET CORPUS [options of libFuzzer, as -max_total_time=60]

TARGET is a name in `fuzz_targets`; CORPUS is a folder, which is made and filled with examples if it is
missing. What does harm is written to a file that the report names; give that file instead of CORPUS to see it
again.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
NUMBER_BYTES = 2
EXAMPLES = 200

with atheris.instrument_imports(include=["cladnet"]):
    from fuzz_inputs import examples
    from fuzz_targets import TARGETS


def fill(corpus: Path, name: str) -> None:
    """Writes what the strategy of a target makes."""
    corpus.mkdir(parents=True)
    for at, (data, number) in enumerate(examples(name, EXAMPLES)):
        (corpus / f"example-{at}").write_bytes(number.to_bytes(NUMBER_BYTES, "big") + data)


def main() -> None:
    name, corpus, *options = sys.argv[1:]
    if not Path(corpus).exists():
        fill(Path(corpus), name)

    def try_one(octets: bytes) -> None:
        TARGETS[name](octets[NUMBER_BYTES:], int.from_bytes(octets[:NUMBER_BYTES], "big"))

    atheris.Setup([sys.argv[0], corpus, *options], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
