-- Documents (文书), frozen as they were issued: the content is text, stored exactly as hashed. A void one keeps its number.
CREATE TABLE documents (
    id BLOB NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    created_by BLOB NOT NULL REFERENCES users (id),
    body_hash BLOB,
    bureau_id BLOB NOT NULL REFERENCES orgs (id),
    org_id BLOB NOT NULL REFERENCES orgs (id),
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    year INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    inspection_id BLOB REFERENCES inspections (id),
    hazard_id BLOB REFERENCES hazards (id),
    supersedes BLOB REFERENCES documents (id),
    content TEXT NOT NULL,
    content_sha256 TEXT NOT NULL,
    voided_at INTEGER,
    voided_by BLOB REFERENCES users (id),
    void_reason TEXT,
    CONSTRAINT documents_number_key UNIQUE (bureau_id, number),
    CONSTRAINT documents_serial_key UNIQUE (bureau_id, kind, year, serial)
) STRICT;
CREATE INDEX documents_by_bureau ON documents (bureau_id, created_at, id);
CREATE INDEX documents_by_org ON documents (org_id, created_at, id);
CREATE INDEX documents_by_inspection ON documents (inspection_id, kind);
CREATE INDEX documents_by_superseded ON documents (supersedes);

-- The hazards a document tells of, each in the round it stood in.
CREATE TABLE document_hazards (
    document_id BLOB NOT NULL REFERENCES documents (id),
    hazard_id BLOB NOT NULL REFERENCES hazards (id),
    round INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (document_id, hazard_id)
) STRICT;
CREATE INDEX document_hazards_by_hazard ON document_hazards (hazard_id, document_id);

-- Every domain a document tells of: it is read whole or not at all.
CREATE TABLE document_domains (
    document_id BLOB NOT NULL REFERENCES documents (id),
    domain TEXT NOT NULL,
    PRIMARY KEY (document_id, domain)
) STRICT;

-- With what a bureau's document numbers begin (机关代字).
CREATE TABLE document_codes (
    bureau_id BLOB NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    code TEXT NOT NULL
) STRICT;

-- What was read long ago is found from its oldest end.
CREATE INDEX notice_recipients_read ON notice_recipients (read_at, notice_id, user_id) WHERE read_at IS NOT NULL;
