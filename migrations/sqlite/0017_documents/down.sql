DROP INDEX notice_recipients_read;
DROP TABLE document_codes;
DROP TABLE document_domains;
DROP TABLE document_hazards;
DROP TABLE documents;
