-- What was observed: counters of devices, refused peers, actors of security events; and until when a
-- tenant lets the operator read at the machine (keys decides; this is for showing).
ALTER TABLE tenants ADD COLUMN local_access_us INTEGER NOT NULL DEFAULT 0;

-- total: over all boots of ingest; seen: what the boot had counted at the last report.
CREATE TABLE counters (
    tenant INTEGER NOT NULL,
    device TEXT NOT NULL,
    boot INTEGER NOT NULL,
    total BLOB NOT NULL,
    seen BLOB NOT NULL,
    last_us INTEGER NOT NULL,
    skew_us INTEGER NOT NULL,
    gap_us INTEGER NOT NULL,
    PRIMARY KEY (tenant, device),
    FOREIGN KEY (tenant, device) REFERENCES devices (tenant, slug) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE rogues (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first_us INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    subject TEXT NOT NULL,
    address TEXT NOT NULL,
    reason TEXT NOT NULL,
    listener TEXT NOT NULL,
    count INTEGER NOT NULL,
    UNIQUE (fingerprint, address, reason, listener)
) STRICT;

-- Who is behind a pseudonym of the event log; rows can be erased without touching the log.
CREATE TABLE actors (
    pseudonym TEXT PRIMARY KEY,
    clear TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
