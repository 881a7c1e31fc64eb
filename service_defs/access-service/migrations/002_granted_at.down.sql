DROP INDEX grants_of_article;
ALTER TABLE grants DROP COLUMN granted_at;
