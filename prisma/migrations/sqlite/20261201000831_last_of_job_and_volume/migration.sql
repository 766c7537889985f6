-- DropIndex
DROP INDEX "Backup_server_source_good_sequenceKey_idx";

-- CreateTable
CREATE TABLE "JobLast" (
    "jobId" TEXT NOT NULL PRIMARY KEY,
    "rid" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "LastGood" (
    "server" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "mode" TEXT NOT NULL,
    "sequenceKey" TEXT NOT NULL,

    PRIMARY KEY ("server", "source", "mode")
);

-- CreateIndex
CREATE INDEX "Backup_server_source_mode_good_sequenceKey_idx" ON "Backup"("server", "source", "mode", "good", "sequenceKey");

-- Filled from indexes alone: a startKey is `<time> <rid>`.
INSERT INTO "JobLast" ("jobId", "rid")
SELECT "jobId", substr(max("startKey"), instr(max("startKey"), ' ') + 1) FROM "Record" WHERE "jobId" <> '' GROUP BY "jobId";

INSERT INTO "LastGood" ("server", "source", "mode", "sequenceKey")
SELECT "server", "source", "mode", max("sequenceKey") FROM "Backup" WHERE "good" = 1 GROUP BY "server", "source", "mode";
