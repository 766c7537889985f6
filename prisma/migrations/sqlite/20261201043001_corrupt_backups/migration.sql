-- By hand: few backups are corrupt, and only they are in this index.
CREATE INDEX "Backup_corrupt_idx" ON "Backup"("server", "createdKey") WHERE "corrupt" IS NOT NULL;
