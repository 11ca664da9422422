-- What events mean for a tenant: ranked, muted, confirmed. Money is in hundredths of the network's
-- base currency, times in thousandths of a day (-1: none), probabilities in millionths.
CREATE TABLE risks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    event INTEGER NOT NULL,
    state INTEGER NOT NULL,
    exercise INTEGER NOT NULL,
    net_version INTEGER NOT NULL,
    first_us INTEGER NOT NULL,
    shown_us INTEGER NOT NULL,
    computed_us INTEGER NOT NULL,
    ends_us INTEGER NOT NULL,
    event_type TEXT NOT NULL,
    title TEXT NOT NULL,
    place TEXT NOT NULL,
    severity TEXT NOT NULL,
    source TEXT NOT NULL,
    verified INTEGER NOT NULL,
    from_us INTEGER NOT NULL,
    until_us INTEGER NOT NULL,
    currency TEXT NOT NULL,
    net_loss_cents INTEGER NOT NULL,
    potential_cents INTEGER NOT NULL,
    confirmed_cents INTEGER NOT NULL,
    probability_ppm INTEGER NOT NULL,
    sites INTEGER NOT NULL,
    parts INTEGER NOT NULL,
    sole_parts INTEGER NOT NULL,
    products INTEGER NOT NULL,
    product_list TEXT NOT NULL,
    placed INTEGER NOT NULL,
    lat_e6 INTEGER NOT NULL,
    lon_e6 INTEGER NOT NULL,
    first_product TEXT NOT NULL,
    first_name TEXT NOT NULL,
    tts_mdays INTEGER NOT NULL,
    ttr_mdays INTEGER NOT NULL,
    why TEXT NOT NULL,
    failure TEXT NOT NULL,
    muted_us INTEGER NOT NULL,
    mute_reason TEXT NOT NULL,
    mute_by TEXT NOT NULL,
    mute_ppm INTEGER NOT NULL,
    verdict INTEGER NOT NULL,
    verdict_us INTEGER NOT NULL,
    verdict_by TEXT NOT NULL,
    case_id INTEGER NOT NULL,
    UNIQUE (tenant, event)
) STRICT;
CREATE INDEX risks_ranked ON risks (tenant, state, net_loss_cents DESC, id);
CREATE INDEX risks_of_event ON risks (event);
CREATE INDEX risks_shown ON risks (tenant, shown_us) WHERE shown_us > 0;

-- How each figure came about, as the API shows it.
CREATE TABLE risk_details (
    risk INTEGER PRIMARY KEY REFERENCES risks (id) ON DELETE CASCADE,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE risk_notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    risk INTEGER NOT NULL REFERENCES risks (id) ON DELETE CASCADE,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX risk_notes_of ON risk_notes (risk, id);

-- What a tenant wants to see: risks below `small` are counted, not shown.
CREATE TABLE risk_settings (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    small_cents INTEGER NOT NULL
) STRICT;

-- Scores of components, products, suppliers and sites, one row a day; in thousandths, -1: none.
CREATE TABLE score_days (
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    id TEXT NOT NULL,
    day INTEGER NOT NULL,
    score_milli INTEGER NOT NULL,
    high_milli INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, id, day)
) STRICT, WITHOUT ROWID;

-- Weights and stages of a tenant as JSON, and what the last rows of score_days are of.
CREATE TABLE score_settings (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    rule TEXT NOT NULL,
    day INTEGER NOT NULL,
    net_version INTEGER NOT NULL
) STRICT;
