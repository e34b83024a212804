CREATE TABLE datasets (id text PRIMARY KEY, uuid text NOT NULL, name text NOT NULL, namespace text NOT NULL, size bigint NOT NULL);
ALTER TABLE datasets ADD COLUMN delete_status text NOT NULL DEFAULT 'NOT_SCHEDULED';
