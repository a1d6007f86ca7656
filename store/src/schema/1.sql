-- Moments are milliseconds since 1970, but where a name says otherwise. Texts that end in _json are
-- schemas of the program and opaque here.

-- Who is metered, and by which meter from when to when.
CREATE TABLE point (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    note TEXT NOT NULL
);
CREATE TABLE meter (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    title BLOB UNIQUE,
    companion TEXT,
    time_zone TEXT,
    access_json TEXT NOT NULL,
    retired INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE mounting (
    point INTEGER NOT NULL REFERENCES point,
    meter INTEGER NOT NULL REFERENCES meter,
    since INTEGER NOT NULL,
    until INTEGER,
    ratio_numerator INTEGER NOT NULL,
    ratio_denominator INTEGER NOT NULL,
    PRIMARY KEY (point, since)
) WITHOUT ROWID;
CREATE INDEX mounting_meter ON mounting (meter, since);

CREATE TABLE concentrator (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL,
    access_json TEXT NOT NULL
);
-- In order of preference: the lowest rank first.
CREATE TABLE route (
    meter INTEGER NOT NULL REFERENCES meter ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    address TEXT,
    concentrator INTEGER REFERENCES concentrator,
    sap INTEGER NOT NULL,
    PRIMARY KEY (meter, rank)
) WITHOUT ROWID;
CREATE INDEX route_concentrator ON route (concentrator, sap);
CREATE TABLE membership (
    name TEXT NOT NULL,
    meter INTEGER NOT NULL REFERENCES meter ON DELETE CASCADE,
    PRIMARY KEY (name, meter)
) WITHOUT ROWID;
CREATE INDEX membership_meter ON membership (meter);
CREATE TABLE tag (
    meter INTEGER NOT NULL REFERENCES meter ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (meter, name)
) WITHOUT ROWID;

-- A column of a load profile, as long as its scaler and unit stay the same.
CREATE TABLE channel (
    id INTEGER PRIMARY KEY,
    meter INTEGER NOT NULL REFERENCES meter,
    profile BLOB NOT NULL,
    class INTEGER NOT NULL,
    logical_name BLOB NOT NULL,
    attribute INTEGER NOT NULL,
    data_index INTEGER NOT NULL,
    scaler INTEGER NOT NULL,
    unit INTEGER NOT NULL,
    step_s INTEGER NOT NULL,
    UNIQUE (meter, profile, class, logical_name, attribute, data_index, scaler, unit, step_s)
);
CREATE TABLE block (
    channel INTEGER NOT NULL REFERENCES channel,
    day INTEGER NOT NULL,
    present BLOB NOT NULL,
    "values" BLOB NOT NULL,
    notes BLOB,
    revisions INTEGER NOT NULL,
    version INTEGER NOT NULL,
    received INTEGER NOT NULL,
    PRIMARY KEY (channel, day)
) WITHOUT ROWID;
CREATE TABLE revision (
    channel INTEGER NOT NULL,
    day INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    value INTEGER NOT NULL,
    status INTEGER NOT NULL,
    offset_s INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, day, slot, value, status, offset_s, quality)
) WITHOUT ROWID;

-- Registers and billing values, as the meter encoded them.
CREATE TABLE snapshot (
    meter INTEGER NOT NULL REFERENCES meter,
    class INTEGER NOT NULL,
    logical_name BLOB NOT NULL,
    attribute INTEGER NOT NULL,
    captured INTEGER NOT NULL,
    received INTEGER NOT NULL,
    scaler INTEGER,
    unit INTEGER,
    data BLOB NOT NULL,
    PRIMARY KEY (meter, logical_name, attribute, captured, data)
) WITHOUT ROWID;

CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    received INTEGER NOT NULL,
    meter INTEGER REFERENCES meter,
    source TEXT NOT NULL,
    code INTEGER NOT NULL,
    severity INTEGER NOT NULL,
    detail TEXT NOT NULL,
    acknowledged INTEGER,
    acknowledged_by TEXT,
    UNIQUE (meter, source, at, code, detail)
);
CREATE INDEX event_open ON event (severity, at) WHERE acknowledged IS NULL;

-- due: when a waiting job becomes one to be done, and when the lease of a running one ends.
CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    idempotency_key TEXT NOT NULL UNIQUE,
    meter INTEGER NOT NULL REFERENCES meter,
    medium INTEGER,
    kind TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    priority INTEGER NOT NULL,
    state INTEGER NOT NULL,
    due INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    progress_json TEXT,
    outcome_json TEXT,
    created INTEGER NOT NULL,
    changed INTEGER NOT NULL
);
CREATE INDEX job_due ON job (state, due) WHERE state IN (0, 2);
CREATE INDEX job_next ON job (priority DESC, due, id) WHERE state = 1;
CREATE INDEX job_expires ON job (expires) WHERE state IN (0, 1, 6);
CREATE INDEX job_meter ON job (meter, id);
-- One worker at a time speaks to a meter. The fence goes up with each.
CREATE TABLE lease (
    meter INTEGER PRIMARY KEY,
    until INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    worker TEXT NOT NULL
);

-- No counter below next may be handed out again.
CREATE TABLE counter (
    title BLOB NOT NULL,
    key BLOB NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (title, key)
) WITHOUT ROWID;
CREATE TABLE received (
    title BLOB NOT NULL,
    key BLOB NOT NULL,
    counter INTEGER NOT NULL,
    PRIMARY KEY (title, key)
) WITHOUT ROWID;

CREATE TABLE data_key (
    id INTEGER PRIMARY KEY,
    wrapped_by TEXT NOT NULL,
    wrapped BLOB NOT NULL
);
CREATE TABLE secret (
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    state INTEGER NOT NULL,
    data_key INTEGER NOT NULL REFERENCES data_key,
    sealed BLOB NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (owner, kind, version)
) WITHOUT ROWID;

CREATE TABLE outbox (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    body_json TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE TABLE sink (name TEXT PRIMARY KEY, sent INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail_json TEXT NOT NULL,
    hash BLOB NOT NULL
);
