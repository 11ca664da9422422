-- Events in the world: feeds, events with their versions and names, what was refused, notices that
-- are on their way. Feeds are the instance's; events of tenant 0 are everyone's.
CREATE TABLE feeds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    url TEXT NOT NULL,
    plain INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    every_s INTEGER NOT NULL,
    columns TEXT NOT NULL DEFAULT '',
    created_us INTEGER NOT NULL DEFAULT 0,
    host TEXT NOT NULL,
    etag TEXT NOT NULL DEFAULT '',
    modified TEXT NOT NULL DEFAULT '',
    last_us INTEGER NOT NULL DEFAULT 0,
    ok_us INTEGER NOT NULL DEFAULT 0,
    next_us INTEGER NOT NULL DEFAULT 0,
    failing_us INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    status INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    runs INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0,
    events INTEGER NOT NULL DEFAULT 0,
    changes INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX feeds_due ON feeds (next_us) WHERE enabled = 1;

-- Well-known public ones, switched off: no connection is made until the operator says so.
INSERT INTO feeds (slug, name, kind, url, plain, enabled, every_s, host) VALUES
    ('usgs', 'USGS: earthquakes of magnitude 2.5 and more, the last day', 'usgs',
     'https://earthquake.usgs.gov/earthquakes/feed/v1.0/summary/2.5_day.geojson', 0, 0, 300,
     'earthquake.usgs.gov'),
    ('gdacs', 'GDACS: disasters of the last week', 'gdacs',
     'https://www.gdacs.org/xml/rss_7d.xml', 0, 0, 360, 'www.gdacs.org'),
    ('nws', 'US National Weather Service: alerts in force', 'cap',
     'https://api.weather.gov/alerts/active.atom', 0, 0, 300, 'api.weather.gov'),
    ('ibtracs', 'IBTrACS: cyclones that are under way', 'ibtracs',
     'https://www.ncei.noaa.gov/data/international-best-track-archive-for-climate-stewardship-ibtracs/v04r01/access/csv/ibtracs.ACTIVE.list.v04r01.csv',
     0, 0, 10800, 'www.ncei.noaa.gov');

-- What several feeds say of one event, put together. merged_into: turned out to be another one.
CREATE TABLE world_events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    feed TEXT NOT NULL,
    type TEXT NOT NULL,
    title TEXT NOT NULL,
    severity TEXT NOT NULL,
    status INTEGER NOT NULL,
    version INTEGER NOT NULL,
    withdrawn_us INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    issued_us INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    placed INTEGER NOT NULL,
    lat_e6 INTEGER NOT NULL,
    lon_e6 INTEGER NOT NULL,
    merged_into INTEGER NOT NULL,
    json TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX world_events_when ON world_events (tenant, from_us, lat_e6) WHERE merged_into = 0;
CREATE INDEX world_events_changed ON world_events (tenant, changed_us) WHERE merged_into = 0;

-- What each feed said of it last, as its reader gave it.
CREATE TABLE world_reports (
    event INTEGER NOT NULL REFERENCES world_events (id) ON DELETE CASCADE,
    feed TEXT NOT NULL,
    from_us INTEGER NOT NULL,
    received_us INTEGER NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (event, feed)
) STRICT, WITHOUT ROWID;
CREATE INDEX world_reports_of ON world_reports (feed, from_us);

CREATE TABLE world_names (
    tenant INTEGER NOT NULL,
    name TEXT NOT NULL,
    event INTEGER NOT NULL REFERENCES world_events (id) ON DELETE CASCADE,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX world_names_of ON world_names (event);

-- The history. what: new, update, cancel, old, merge, typed, ...; json: the event from then on.
CREATE TABLE world_versions (
    event INTEGER NOT NULL REFERENCES world_events (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    feed TEXT NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (event, version)
) STRICT, WITHOUT ROWID;

-- Parts of feeds that were no events, for inspection; the same one is counted.
CREATE TABLE feed_refused (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    feed INTEGER NOT NULL REFERENCES feeds (id) ON DELETE CASCADE,
    first_us INTEGER NOT NULL,
    at_us INTEGER NOT NULL,
    count INTEGER NOT NULL,
    why TEXT NOT NULL,
    source TEXT NOT NULL,
    head BLOB NOT NULL,
    bytes INTEGER NOT NULL,
    UNIQUE (feed, why, head)
) STRICT;

-- Mail and webhooks: written with what they tell of, sent by and by, kept with their receipts.
CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    about TEXT NOT NULL,
    target TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    state INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    done_us INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    answer TEXT NOT NULL
) STRICT;
CREATE INDEX notices_due ON notices (next_us) WHERE state = 0;
CREATE INDEX notices_about ON notices (tenant, about);

-- The keys that webhooks are signed with, one per tenant.
CREATE TABLE webhook_keys (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    created_us INTEGER NOT NULL
) STRICT;
