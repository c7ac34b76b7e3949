ALTER TABLE answers DROP COLUMN touched;
DROP TABLE reader_holdings;
DROP TABLE reader_marks;
DROP TABLE reader_views;
DROP TABLE sync_ops;
DROP TABLE sync_devices;
DROP TABLE journal_epochs;
