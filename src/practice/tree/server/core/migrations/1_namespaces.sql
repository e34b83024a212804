CREATE TABLE namespaces (id text PRIMARY KEY, uuid text NOT NULL, name text NOT NULL, bucket text NOT NULL);
