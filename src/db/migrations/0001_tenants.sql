-- Tenants, their sites, devices, certificates. Numbers of tenants are never used again (AUTOINCREMENT):
-- keys and capabilities name them.
CREATE TABLE tenants (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    keep_days INTEGER NOT NULL,
    quota_bytes INTEGER NOT NULL,
    demo INTEGER NOT NULL,
    far_zones TEXT NOT NULL,
    far_instances TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE sites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    country TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, slug)
) STRICT;

CREATE TABLE devices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    site TEXT NOT NULL,
    host TEXT NOT NULL,
    relay INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, slug),
    FOREIGN KEY (tenant, site) REFERENCES sites (tenant, slug) ON UPDATE CASCADE
) STRICT;
CREATE INDEX devices_of_site ON devices (tenant, site);
-- Behind a relay the HOSTNAME chooses the device.
CREATE UNIQUE INDEX devices_host ON devices (tenant, host) WHERE host <> '';

-- A certificate is known by its fingerprint, in one place only.
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    device TEXT NOT NULL,
    fingerprint BLOB NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    origin INTEGER NOT NULL,
    not_before_us INTEGER NOT NULL,
    not_after_us INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    revoked_us INTEGER NOT NULL,
    FOREIGN KEY (tenant, device) REFERENCES devices (tenant, slug) ON UPDATE CASCADE ON DELETE CASCADE
) STRICT;
CREATE INDEX certificates_of_device ON certificates (tenant, device);

CREATE TABLE tenant_cas (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    pem TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    subject TEXT NOT NULL,
    not_after_us INTEGER NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
