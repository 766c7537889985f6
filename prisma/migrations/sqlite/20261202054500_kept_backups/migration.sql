-- Backups that something keeps, or whose manifest cannot be read, are few: their list is read among all others.
CREATE INDEX "Backup_kept_idx" ON "Backup"("createdKey") WHERE "holds" <> '[]' OR ("corrupt" IS NOT NULL AND "rid" IS NULL AND "series" IS NULL);
