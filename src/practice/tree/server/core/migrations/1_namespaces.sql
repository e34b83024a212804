CREATE TABLE namespaces;
