DROP TABLE serials;
DROP TABLE idempotency_keys;
DROP TABLE events;
