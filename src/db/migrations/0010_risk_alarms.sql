-- Net losses from which a risk is an alarm.
ALTER TABLE risk_settings ADD COLUMN alarm_cents INTEGER NOT NULL DEFAULT 10000000;

-- What people say in a risk's case counts up case_turn; case_done: the turn its figures are of.
ALTER TABLE risks ADD COLUMN case_turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE risks ADD COLUMN case_done INTEGER NOT NULL DEFAULT 0;
CREATE INDEX risks_said ON risks (tenant) WHERE case_turn <> case_done;
