-- Drills: scripts, participants, injects, answers, actions.
CREATE TABLE drill_numbers (
    tenant INTEGER PRIMARY KEY REFERENCES tenants (id) ON DELETE CASCADE,
    last INTEGER NOT NULL
) STRICT;

CREATE TABLE drills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    title TEXT NOT NULL,
    source TEXT NOT NULL,
    script TEXT NOT NULL,
    world_event INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    draws INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    state INTEGER NOT NULL,
    opens_case INTEGER NOT NULL,
    case_id INTEGER NOT NULL,
    shift_lat_e6 INTEGER NOT NULL,
    shift_lon_e6 INTEGER NOT NULL,
    scale_m INTEGER NOT NULL,
    created_us INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    started_us INTEGER NOT NULL,
    paused_us INTEGER NOT NULL,
    pauses_us INTEGER NOT NULL,
    ended_us INTEGER NOT NULL,
    ended_by TEXT NOT NULL,
    net_version INTEGER NOT NULL,
    computed_us INTEGER NOT NULL,
    UNIQUE (tenant, number)
) STRICT;

-- Its event and what that would cost, as JSON.
CREATE TABLE drill_texts (
    drill INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (drill, kind)
) STRICT;

CREATE TABLE drill_persons (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    drill INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    joined_us INTEGER NOT NULL,
    UNIQUE (drill, name)
) STRICT;

-- A sent inject keeps where the clock stood.
CREATE TABLE drill_injects (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    drill INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    minutes INTEGER NOT NULL,
    area INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    asked TEXT NOT NULL,
    sent INTEGER NOT NULL,
    sent_us INTEGER NOT NULL,
    sent_by TEXT NOT NULL,
    UNIQUE (drill, number)
) STRICT;

CREATE TABLE drill_answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    drill INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    inject INTEGER NOT NULL REFERENCES drill_injects (id) ON DELETE CASCADE,
    person INTEGER NOT NULL REFERENCES drill_persons (id) ON DELETE CASCADE,
    at_us INTEGER NOT NULL,
    clock_us INTEGER NOT NULL,
    text TEXT NOT NULL,
    by TEXT NOT NULL,
    grade INTEGER NOT NULL,
    note TEXT NOT NULL,
    UNIQUE (inject, person)
) STRICT;
CREATE INDEX drill_answers_of ON drill_answers (drill);
-- What was answered, and when, stays; only what is said of it changes.
CREATE TRIGGER drill_answers_stay BEFORE UPDATE OF at_us, clock_us, text, inject, person ON drill_answers
WHEN NEW.at_us <> OLD.at_us OR NEW.clock_us <> OLD.clock_us OR NEW.text <> OLD.text
    OR NEW.inject <> OLD.inject OR NEW.person <> OLD.person
BEGIN
    SELECT RAISE(ABORT, 'an answer stays as it was given');
END;

CREATE TABLE drill_actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant INTEGER NOT NULL,
    drill INTEGER NOT NULL REFERENCES drills (id) ON DELETE CASCADE,
    inject INTEGER NOT NULL,
    text TEXT NOT NULL,
    owner TEXT NOT NULL,
    found_us INTEGER NOT NULL,
    due_us INTEGER NOT NULL,
    done_us INTEGER NOT NULL,
    note TEXT NOT NULL
) STRICT;
CREATE INDEX drill_actions_of ON drill_actions (drill);
