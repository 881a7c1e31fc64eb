-- Who may see what.
CREATE TABLE grants (
    reader text NOT NULL,
    article text NOT NULL,
    PRIMARY KEY (reader, article)
);
