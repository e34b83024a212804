ALTER TABLE datasets ADD COLUMN sync_enabled text NOT NULL DEFAULT 'no';
