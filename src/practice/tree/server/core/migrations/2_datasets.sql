CREATE TABLE datasets (id text PRIMARY KEY, uuid text NOT NULL, name text NOT NULL, namespace text NOT NULL, size bigint NOT NULL);
