-- Cases: checklists, clocks, affected sites, questions, plans, notices, actions.
-- Cases are of a kind (cases/case.h); clocks, items, entries and actions belong to any kind.
CREATE TABLE case_numbers (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    last INTEGER NOT NULL
) STRICT;

CREATE TABLE cases (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    severity INTEGER NOT NULL,
    owner TEXT NOT NULL,
    exercise INTEGER NOT NULL,
    risk INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    opened_by TEXT NOT NULL,
    opened_us INTEGER NOT NULL,
    closed_us INTEGER NOT NULL,
    event TEXT NOT NULL,
    event_title TEXT NOT NULL,
    event_place TEXT NOT NULL,
    event_us INTEGER NOT NULL,
    currency TEXT NOT NULL,
    net_loss_c INTEGER NOT NULL,
    confirmed_c INTEGER NOT NULL,
    potential_c INTEGER NOT NULL,
    first_product TEXT NOT NULL,
    first_m INTEGER NOT NULL,
    close_reason TEXT NOT NULL,
    summary TEXT NOT NULL,
    worked TEXT NOT NULL,
    failed TEXT NOT NULL,
    UNIQUE (tenant, number)
) STRICT;
CREATE INDEX cases_of_risk ON cases (tenant, risk) WHERE risk > 0;
-- What is an exercise stays one: nothing that began as a drill can leave later.
CREATE TRIGGER cases_exercise BEFORE UPDATE OF exercise ON cases WHEN NEW.exercise <> OLD.exercise
BEGIN
    SELECT RAISE(ABORT, 'a case stays what it was opened as');
END;

CREATE TABLE case_sites (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    site TEXT NOT NULL,
    name TEXT NOT NULL,
    supplier TEXT NOT NULL,
    supplier_name TEXT NOT NULL,
    status TEXT NOT NULL,
    measure TEXT NOT NULL,
    value_m INTEGER NOT NULL,
    sigma_m INTEGER NOT NULL,
    probability_m INTEGER NOT NULL,
    down_m INTEGER NOT NULL,
    stock_m INTEGER NOT NULL,
    loss_c INTEGER NOT NULL,
    since_us INTEGER NOT NULL,
    confirmed_us INTEGER NOT NULL,
    restored_us INTEGER NOT NULL,
    word_by TEXT NOT NULL,
    word_us INTEGER NOT NULL,
    note TEXT NOT NULL,
    UNIQUE (case_id, site)
) STRICT;

CREATE TABLE clocks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    object TEXT NOT NULL,
    first_us INTEGER NOT NULL,
    started_us INTEGER NOT NULL,
    span_us INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    paused_us INTEGER NOT NULL,
    pauses_us INTEGER NOT NULL,
    extended_us INTEGER NOT NULL,
    extends INTEGER NOT NULL,
    last_us INTEGER NOT NULL,
    stopped_us INTEGER NOT NULL,
    UNIQUE (case_id, kind, object)
) STRICT;
CREATE TRIGGER clocks_first BEFORE UPDATE OF first_us ON clocks WHEN NEW.first_us <> OLD.first_us
BEGIN
    SELECT RAISE(ABORT, 'the first start of a clock stays');
END;

CREATE TABLE clock_steps (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    clock INTEGER NOT NULL REFERENCES clocks (id) ON DELETE CASCADE,
    at_us INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    value_us INTEGER NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL
) STRICT;
CREATE INDEX clock_steps_of ON clock_steps (clock, id);
CREATE TRIGGER clock_steps_stay BEFORE UPDATE ON clock_steps
BEGIN
    SELECT RAISE(ABORT, 'the steps of a clock are only added');
END;
CREATE TRIGGER clock_steps_kept BEFORE DELETE ON clock_steps
WHEN EXISTS (SELECT 1 FROM clocks WHERE id = OLD.clock)
BEGIN
    SELECT RAISE(ABORT, 'the steps of a clock are only added');
END;

CREATE TABLE case_items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    text TEXT NOT NULL,
    needs_evidence INTEGER NOT NULL,
    required INTEGER NOT NULL,
    state TEXT NOT NULL,
    owner TEXT NOT NULL,
    evidence TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    by TEXT NOT NULL,
    UNIQUE (case_id, number)
) STRICT;

CREATE TABLE case_entries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX case_entries_of ON case_entries (case_id, id);

CREATE TABLE case_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    text TEXT NOT NULL,
    owner TEXT NOT NULL,
    due_us INTEGER NOT NULL,
    done_us INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX case_actions_of ON case_actions (case_id, id);

CREATE TABLE case_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    min_loss_c INTEGER NOT NULL,
    min_severity INTEGER NOT NULL,
    sites TEXT NOT NULL,
    owner TEXT NOT NULL,
    ask INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    UNIQUE (tenant, name)
) STRICT;

CREATE TABLE questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    site TEXT NOT NULL,
    site_name TEXT NOT NULL,
    supplier TEXT NOT NULL,
    supplier_name TEXT NOT NULL,
    to_name TEXT NOT NULL,
    to_email TEXT NOT NULL,
    contact INTEGER NOT NULL,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    clock INTEGER NOT NULL,
    out INTEGER NOT NULL,
    asked_us INTEGER NOT NULL,
    sent_us INTEGER NOT NULL,
    opened_us INTEGER NOT NULL,
    answered_us INTEGER NOT NULL,
    opens INTEGER NOT NULL,
    reminders INTEGER NOT NULL,
    escalations INTEGER NOT NULL,
    next_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    impact INTEGER NOT NULL,
    days_m INTEGER NOT NULL,
    answered_by TEXT NOT NULL,
    answer TEXT NOT NULL,
    via TEXT NOT NULL
) STRICT;
CREATE INDEX questions_of ON questions (case_id, id);
CREATE INDEX questions_waiting ON questions (out) WHERE state = 'waiting';
CREATE INDEX questions_due ON questions (next_us) WHERE next_us > 0;

-- Links: of each, the hash alone. email: the mailbox it went to; '' was shown to the asker.
CREATE TABLE question_tokens (
    hash BLOB PRIMARY KEY,
    question INTEGER NOT NULL REFERENCES questions (id) ON DELETE CASCADE,
    tenant INTEGER NOT NULL,
    email TEXT NOT NULL,
    made_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL
) STRICT;
CREATE INDEX question_tokens_of ON question_tokens (question);
CREATE INDEX question_tokens_mailbox ON question_tokens (email) WHERE email <> '';

CREATE TABLE plans (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    part TEXT NOT NULL,
    site TEXT NOT NULL,
    product TEXT NOT NULL,
    to_site TEXT NOT NULL,
    units_m INTEGER NOT NULL,
    capacity_m INTEGER NOT NULL,
    bring_up_m INTEGER NOT NULL,
    cost_c INTEGER NOT NULL,
    currency TEXT NOT NULL,
    owner TEXT NOT NULL,
    ready_us INTEGER NOT NULL,
    start_us INTEGER NOT NULL,
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    chosen_us INTEGER NOT NULL,
    done_us INTEGER NOT NULL,
    chosen_by TEXT NOT NULL
) STRICT;
CREATE INDEX plans_of ON plans (case_id, id);

-- What a case tells others; what leaves stands in the queue (notices) as `out`.
CREATE TABLE case_notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    case_id INTEGER NOT NULL REFERENCES cases (id) ON DELETE CASCADE,
    question INTEGER NOT NULL,
    what TEXT NOT NULL,
    kind INTEGER NOT NULL,
    to_name TEXT NOT NULL,
    to_addr TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    out INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    by TEXT NOT NULL
) STRICT;
CREATE INDEX case_notices_of ON case_notices (case_id, id);
CREATE INDEX case_notices_out ON case_notices (out) WHERE out > 0;
