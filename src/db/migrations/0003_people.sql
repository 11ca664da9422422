-- People and what they may: users, roles, departments, API tokens' names, grants to the operator, looks
-- at personal data. Passwords, sessions, tokens themselves are with the keys role. tenant 0 is the
-- operator's own. Numbers are never used again: keys knows accounts by them.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    email TEXT NOT NULL,
    department TEXT NOT NULL,
    roles TEXT NOT NULL,
    disabled INTEGER NOT NULL,
    totp_required INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE roles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    rights TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE departments (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, slug)
) STRICT;

-- number: keys' name of the token.
CREATE TABLE tokens (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    user INTEGER NOT NULL,
    number INTEGER NOT NULL UNIQUE,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE grants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    data INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    reason TEXT NOT NULL,
    given_by TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL
) STRICT;
CREATE INDEX grants_of_tenant ON grants (tenant, ended_us);

CREATE TABLE reveals (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    user INTEGER NOT NULL,
    session INTEGER NOT NULL,
    who TEXT NOT NULL,
    purpose TEXT NOT NULL,
    ticket TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL
) STRICT;
CREATE INDEX reveals_of_tenant ON reveals (tenant);

-- Answers to creations that may be asked for again (Idempotency-Key), for a day. status 0: in work.
CREATE TABLE agains (
    caller TEXT NOT NULL,
    name TEXT NOT NULL,
    request BLOB NOT NULL,
    status INTEGER NOT NULL,
    secret INTEGER NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    at_us INTEGER NOT NULL,
    PRIMARY KEY (caller, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX agains_at ON agains (at_us);

CREATE TRIGGER tenant_people AFTER DELETE ON tenants BEGIN
    DELETE FROM users WHERE tenant = OLD.id;
    DELETE FROM roles WHERE tenant = OLD.id;
    DELETE FROM tokens WHERE tenant = OLD.id;
END;

-- Tenants that are here already: the operator goes on with what it does, which the tenant can end now.
INSERT INTO grants (tenant, kind, data, until_us, reason, given_by, created_us, ended_us)
SELECT id, 1, demo, 9223372036854775807, '', 'start', created_us, 0 FROM tenants;
