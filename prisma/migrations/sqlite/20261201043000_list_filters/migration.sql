-- DropIndex
DROP INDEX "Record_action_startKey_idx";

-- DropIndex
DROP INDEX "Record_state_startKey_idx";

-- CreateIndex
CREATE INDEX "Backup_mode_volume_instanceNo_createdKey_idx" ON "Backup"("mode", "volume", "instanceNo", "createdKey");

-- CreateIndex
CREATE INDEX "Backup_name_idx" ON "Backup"("name");

-- CreateIndex
CREATE INDEX "Record_state_action_mode_startKey_idx" ON "Record"("state", "action", "mode", "startKey");

-- CreateIndex
CREATE INDEX "Record_volume_instanceNo_startKey_idx" ON "Record"("volume", "instanceNo", "startKey");
