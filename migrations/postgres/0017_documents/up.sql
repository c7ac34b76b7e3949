-- Documents (文书), frozen as they were issued: the content is text, stored exactly as hashed. A void one keeps its number.
CREATE TABLE documents (
    id uuid NOT NULL PRIMARY KEY,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    created_by uuid NOT NULL REFERENCES users (id),
    body_hash bytea,
    bureau_id uuid NOT NULL REFERENCES orgs (id),
    org_id uuid NOT NULL REFERENCES orgs (id),
    kind text NOT NULL,
    number text NOT NULL,
    year integer NOT NULL,
    serial bigint NOT NULL,
    inspection_id uuid REFERENCES inspections (id),
    hazard_id uuid REFERENCES hazards (id),
    supersedes uuid REFERENCES documents (id),
    content text NOT NULL,
    content_sha256 text NOT NULL,
    voided_at timestamptz,
    voided_by uuid REFERENCES users (id),
    void_reason text,
    CONSTRAINT documents_number_key UNIQUE (bureau_id, number),
    CONSTRAINT documents_serial_key UNIQUE (bureau_id, kind, year, serial)
);
CREATE INDEX documents_by_bureau ON documents (bureau_id, created_at, id);
CREATE INDEX documents_by_org ON documents (org_id, created_at, id);
CREATE INDEX documents_by_inspection ON documents (inspection_id, kind);
CREATE INDEX documents_by_superseded ON documents (supersedes);

-- The hazards a document tells of, each in the round it stood in.
CREATE TABLE document_hazards (
    document_id uuid NOT NULL REFERENCES documents (id),
    hazard_id uuid NOT NULL REFERENCES hazards (id),
    round integer NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (document_id, hazard_id)
);
CREATE INDEX document_hazards_by_hazard ON document_hazards (hazard_id, document_id);

-- Every domain a document tells of: it is read whole or not at all.
CREATE TABLE document_domains (
    document_id uuid NOT NULL REFERENCES documents (id),
    domain text NOT NULL,
    PRIMARY KEY (document_id, domain)
);

-- With what a bureau's document numbers begin (机关代字).
CREATE TABLE document_codes (
    bureau_id uuid NOT NULL PRIMARY KEY REFERENCES orgs (id),
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    code text NOT NULL
);

-- What was read long ago is found from its oldest end.
CREATE INDEX notice_recipients_read ON notice_recipients (read_at, notice_id, user_id) WHERE read_at IS NOT NULL;
