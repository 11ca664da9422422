#!/usr/bin/env python3
"""Writes the migrations (arguments) as a C array to the first argument; they must be numbered 1, 2, 3, ..."""
import pathlib
import re
import sys

out, *paths = map(pathlib.Path, sys.argv[1:])
rows, texts = [], []
for number, path in enumerate(sorted(paths, key=lambda p: p.name), 1):
    found = re.fullmatch(r"(\d{4})_([a-z_]+)\.sql", path.name)
    if found is None or int(found[1]) != number:
        sys.exit(f"{path}: migration number {number} is expected here, named NNNN_words.sql")
    data = ", ".join(str(byte) for byte in path.read_bytes() + b"\0")
    texts.append(f"static const char text_{number}[] = {{{data}}};\n")
    rows.append(f'    {{{number}, "{found[2]}", text_{number}}},\n')
out.write_text('#include "db/migrate.h"\n\n' + "".join(texts) +
               "\nconst struct fl_migration fl_migrations[] = {\n" + "".join(rows) + "};\n" +
               f"const unsigned fl_migration_count = {len(rows)};\n", encoding="utf-8")
