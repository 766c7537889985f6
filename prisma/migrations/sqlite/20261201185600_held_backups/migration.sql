-- Backups that are kept whatever their age are few: health looks for them among all others.
CREATE INDEX "Backup_held_idx" ON "Backup"("server", "source", "mode") WHERE "holds" <> '[]';
