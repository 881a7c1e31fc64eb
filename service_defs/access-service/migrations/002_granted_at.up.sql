-- When access was granted; and all readers of an article quickly. Serves programs that know nothing of it, too.
ALTER TABLE grants ADD COLUMN granted_at timestamptz NOT NULL DEFAULT now();
CREATE INDEX grants_of_article ON grants (article, reader);
