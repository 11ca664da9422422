-- The network of supply: rows with their history, changes, decisions, layouts of files, imports that
-- are being put together.
--
-- A row holds from the change `since` on until the change `until` (9223372036854775807: still). A
-- change that is being made has a number above the head's version: nobody sees its rows until the
-- head is moved, and what a crash leaves of it is taken back by its numbers.
CREATE TABLE supply_heads (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    changed_us INTEGER NOT NULL
) STRICT;

CREATE TABLE supply_counts (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    tbl INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (tenant, tbl)
) STRICT, WITHOUT ROWID;

CREATE TABLE supply_changes (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    added INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    removed INTEGER NOT NULL,
    undoes INTEGER NOT NULL,
    undone_by INTEGER NOT NULL,
    done INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE supply_rows (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    tbl INTEGER NOT NULL,
    id TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    cells BLOB NOT NULL,
    PRIMARY KEY (tenant, tbl, id, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX supply_rows_since ON supply_rows (tenant, since);
CREATE INDEX supply_rows_until ON supply_rows (tenant, until) WHERE until <> 9223372036854775807;

CREATE TABLE supply_decisions (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    answer TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    reversed_us INTEGER NOT NULL,
    reversed_by TEXT NOT NULL,
    PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX supply_decisions_standing ON supply_decisions (tenant, kind, subject)
    WHERE reversed_us = 0;

CREATE TABLE supply_layouts (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    headings TEXT NOT NULL,
    name TEXT NOT NULL,
    tbl INTEGER NOT NULL,
    map TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (tenant, headings)
) STRICT, WITHOUT ROWID;

CREATE TABLE supply_imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    who TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT;
CREATE INDEX supply_imports_of ON supply_imports (tenant, id);

CREATE TABLE supply_import_pieces (
    import INTEGER NOT NULL REFERENCES supply_imports (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    at INTEGER NOT NULL,
    size INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (import, file, at)
) STRICT;
