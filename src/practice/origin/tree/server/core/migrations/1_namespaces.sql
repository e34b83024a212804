CREATE TABLE object_stores (id text PRIMARY KEY, name text NOT NULL, endpoint text NOT NULL, object_store_type text NOT NULL);
CREATE TABLE namespaces (id text PRIMARY KEY, uuid text NOT NULL, name text NOT NULL, bucket text NOT NULL);
