-- What is watched: alarms with their history, saved searches, and where sites stand. tenant 0 is the
-- instance. An alarm that stands is one per kind and object.
ALTER TABLE sites ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE sites ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN lat_e6 INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sites ADD COLUMN lon_e6 INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN silent_minutes INTEGER NOT NULL DEFAULT 15;

CREATE TABLE alarms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    kind TEXT NOT NULL,
    severity INTEGER NOT NULL,
    object TEXT NOT NULL,
    name TEXT NOT NULL,
    site TEXT NOT NULL,
    title TEXT NOT NULL,
    where_text TEXT NOT NULL,
    since_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    cleared_us INTEGER NOT NULL,
    raises INTEGER NOT NULL,
    owner TEXT NOT NULL,
    acked_us INTEGER NOT NULL,
    acked_by TEXT NOT NULL,
    muted_us INTEGER NOT NULL,
    mute_reason TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX alarms_standing ON alarms (tenant, kind, object) WHERE cleared_us = 0;
CREATE INDEX alarms_of_object ON alarms (tenant, kind, object, cleared_us);
CREATE INDEX alarms_cleared ON alarms (cleared_us);

CREATE TABLE alarm_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alarm INTEGER NOT NULL REFERENCES alarms (id) ON DELETE CASCADE,
    tenant INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    severity INTEGER NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX alarm_events_of ON alarm_events (alarm, id);

CREATE TABLE searches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    view TEXT NOT NULL,
    where_text TEXT NOT NULL,
    from_text TEXT NOT NULL,
    to_text TEXT NOT NULL,
    group_by TEXT NOT NULL,
    metric TEXT NOT NULL,
    every_minutes INTEGER NOT NULL,
    op INTEGER NOT NULL,
    threshold INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    owner TEXT NOT NULL,
    owner_user INTEGER NOT NULL,
    right_no INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    has_value INTEGER NOT NULL,
    last_value INTEGER NOT NULL,
    last_key TEXT NOT NULL,
    failure TEXT NOT NULL,
    failing_us INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;
CREATE INDEX searches_due ON searches (next_us) WHERE enabled = 1;
