-- CreateTable
CREATE TABLE "RecordDay" (
    "server" TEXT NOT NULL,
    "app" TEXT NOT NULL,
    "proc" TEXT NOT NULL,
    "volume" TEXT NOT NULL,
    "instanceNo" BIGINT NOT NULL,
    "day" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "count" INTEGER NOT NULL,

    PRIMARY KEY ("server", "app", "proc", "volume", "instanceNo", "day", "action", "mode", "state")
);

-- CreateIndex
CREATE INDEX "Backup_rid_idx" ON "Backup"("rid");
