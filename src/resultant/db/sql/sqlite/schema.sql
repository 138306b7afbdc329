-- The state database in SQLite, as the migrations of this folder make it.

CREATE TABLE flow_run (
    no INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    flow TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    parameters TEXT,
    context TEXT,
    date REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    file TEXT,
    attribute TEXT,
    cwd TEXT,
    executor TEXT,
    alias INTEGER NOT NULL,
    code TEXT,
    error TEXT,
    message TEXT,
    text TEXT,
    pinned INTEGER NOT NULL,
    digest_key TEXT
);
CREATE INDEX flow_run_created ON flow_run (created);
CREATE INDEX flow_run_flow ON flow_run (flow, created);
CREATE INDEX flow_run_name ON flow_run (name);

-- Short numbers for texts that many rows share.
CREATE TABLE task (no INTEGER PRIMARY KEY, run INTEGER NOT NULL, slug TEXT NOT NULL, UNIQUE (run, slug));
CREATE INDEX task_order ON task (run);
CREATE TABLE state (no INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO state (no, name) VALUES (1, 'Success');
CREATE TABLE folder (no INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE kind (
    no INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    options TEXT NOT NULL,
    serializer TEXT,
    python TEXT,
    library TEXT,
    library_version TEXT
);

-- A row that is written again gets a new number: of several rows with one place, the highest number wrote last.
-- A location is folder || leaf. Without a folder it is a value in line that is too long for the index.
CREATE TABLE task_run (
    no INTEGER PRIMARY KEY,
    task INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    state INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    count INTEGER NOT NULL,
    started REAL NOT NULL,
    ended REAL,
    input BLOB,
    kind INTEGER,
    folder INTEGER,
    leaf TEXT,
    size INTEGER,
    digest BLOB,
    none INTEGER NOT NULL,
    due REAL,
    children INTEGER,
    error TEXT,
    message TEXT,
    text TEXT,
    loop INTEGER,
    UNIQUE (task, idx)
);
-- Most have succeeded: those that have not are the ones that are looked for.
CREATE INDEX task_run_state ON task_run (task, state) WHERE state <> 1;
CREATE INDEX task_run_place ON task_run (folder, leaf) WHERE folder IS NOT NULL;

CREATE TABLE cache (
    no INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    task INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    code BLOB,
    inputs TEXT,
    parameters TEXT,
    UNIQUE (task, idx)
);
CREATE INDEX cache_key ON cache (key);

CREATE TABLE pin (
    task INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    until REAL,
    PRIMARY KEY (task, idx)
) WITHOUT ROWID;

-- Grows when numbers of shared texts cease to hold, so that processes forget those that they remember.
CREATE TABLE epoch (number INTEGER NOT NULL);
INSERT INTO epoch VALUES (1);
