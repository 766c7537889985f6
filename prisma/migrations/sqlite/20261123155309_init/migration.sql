-- CreateTable
CREATE TABLE "Record" (
    "rid" TEXT NOT NULL PRIMARY KEY,
    "startKey" TEXT NOT NULL,
    "eventSeq" INTEGER NOT NULL,
    "server" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "app" TEXT NOT NULL,
    "proc" TEXT NOT NULL,
    "volume" TEXT NOT NULL,
    "instanceNo" BIGINT,
    "mode" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "RecordBody" (
    "rid" TEXT NOT NULL PRIMARY KEY,
    "json" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "RecordEvent" (
    "seq" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "rid" TEXT NOT NULL,
    "app" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "json" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "Backup" (
    "server" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "createdKey" TEXT NOT NULL,
    "sequenceKey" TEXT NOT NULL,
    "good" BOOLEAN NOT NULL,
    "mode" TEXT NOT NULL,
    "app" TEXT NOT NULL,
    "proc" TEXT NOT NULL,
    "volume" TEXT NOT NULL,
    "instanceNo" BIGINT NOT NULL,
    "source" TEXT NOT NULL,
    "containers" TEXT NOT NULL,
    "size" BIGINT NOT NULL,
    "created" TEXT NOT NULL,
    "sequence" BIGINT NOT NULL,
    "rid" TEXT,
    "jobId" TEXT,
    "state" TEXT NOT NULL,
    "suspect" TEXT,
    "corrupt" TEXT,
    "verified" TEXT,
    "holds" TEXT NOT NULL,
    "sha256" TEXT,
    "hasIndex" BOOLEAN NOT NULL,
    "files" BIGINT,
    "bytes" BIGINT,
    "durability" TEXT,
    "toldAt" TEXT NOT NULL,
    "touched" INTEGER NOT NULL,

    PRIMARY KEY ("server", "name")
);

-- CreateTable
CREATE TABLE "Tombstone" (
    "server" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "touched" INTEGER NOT NULL,

    PRIMARY KEY ("server", "name")
);

-- CreateTable
CREATE TABLE "Server" (
    "ip" TEXT NOT NULL PRIMARY KEY,
    "daemonId" TEXT,
    "lastSeen" TEXT,
    "leaving" BOOLEAN NOT NULL
);

-- CreateTable
CREATE TABLE "Audit" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "at" TEXT NOT NULL,
    "who" TEXT NOT NULL,
    "verb" TEXT NOT NULL,
    "facts" TEXT NOT NULL,
    "outcome" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "Meta" (
    "key" TEXT NOT NULL PRIMARY KEY,
    "value" TEXT NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "Record_startKey_key" ON "Record"("startKey");

-- CreateIndex
CREATE INDEX "Record_app_startKey_idx" ON "Record"("app", "startKey");

-- CreateIndex
CREATE INDEX "Record_app_proc_startKey_idx" ON "Record"("app", "proc", "startKey");

-- CreateIndex
CREATE INDEX "Record_jobId_startKey_idx" ON "Record"("jobId", "startKey");

-- CreateIndex
CREATE INDEX "Record_server_startKey_idx" ON "Record"("server", "startKey");

-- CreateIndex
CREATE INDEX "Record_state_startKey_idx" ON "Record"("state", "startKey");

-- CreateIndex
CREATE INDEX "Record_action_startKey_idx" ON "Record"("action", "startKey");

-- CreateIndex
CREATE INDEX "RecordEvent_rid_seq_idx" ON "RecordEvent"("rid", "seq");

-- CreateIndex
CREATE INDEX "RecordEvent_app_seq_idx" ON "RecordEvent"("app", "seq");

-- CreateIndex
CREATE UNIQUE INDEX "Backup_createdKey_key" ON "Backup"("createdKey");

-- CreateIndex
CREATE UNIQUE INDEX "Backup_sequenceKey_key" ON "Backup"("sequenceKey");

-- CreateIndex
CREATE INDEX "Backup_server_createdKey_idx" ON "Backup"("server", "createdKey");

-- CreateIndex
CREATE INDEX "Backup_app_createdKey_idx" ON "Backup"("app", "createdKey");

-- CreateIndex
CREATE INDEX "Backup_app_proc_createdKey_idx" ON "Backup"("app", "proc", "createdKey");

-- CreateIndex
CREATE INDEX "Backup_server_app_proc_volume_instanceNo_sequenceKey_idx" ON "Backup"("server", "app", "proc", "volume", "instanceNo", "sequenceKey");

-- CreateIndex
CREATE INDEX "Backup_server_source_good_sequenceKey_idx" ON "Backup"("server", "source", "good", "sequenceKey");

-- CreateIndex
CREATE INDEX "Tombstone_at_idx" ON "Tombstone"("at");

-- CreateIndex
CREATE INDEX "Audit_at_idx" ON "Audit"("at");
