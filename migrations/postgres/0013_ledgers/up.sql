-- Which hazards came back: a ledger asks it for a page of hazards at once, and hardly any has.
CREATE INDEX hazards_by_recurrence ON hazards (recurrence_of) WHERE recurrence_of IS NOT NULL;
