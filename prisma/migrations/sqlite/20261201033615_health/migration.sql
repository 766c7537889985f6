-- AlterTable
ALTER TABLE "Server" ADD COLUMN "timeZone" TEXT;

-- CreateTable
CREATE TABLE "JobHealth" (
    "jobId" TEXT NOT NULL PRIMARY KEY,
    "countedFrom" BIGINT NOT NULL,
    "pausedSince" BIGINT,
    "inherits" TEXT,
    "standing" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "JobPeriod" (
    "jobId" TEXT NOT NULL,
    "begin" BIGINT NOT NULL,
    "end" BIGINT,
    "spec" TEXT NOT NULL,
    "zone" TEXT,
    "app" TEXT NOT NULL,
    "proc" TEXT NOT NULL,
    "volume" TEXT NOT NULL,
    "instanceNo" BIGINT NOT NULL,

    PRIMARY KEY ("jobId", "begin")
);

-- CreateTable
CREATE TABLE "StoreDay" (
    "server" TEXT NOT NULL,
    "day" TEXT NOT NULL,
    "at" BIGINT NOT NULL,
    "usedBytes" BIGINT NOT NULL,
    "freeBytes" BIGINT NOT NULL,

    PRIMARY KEY ("server", "day")
);

-- CreateIndex
CREATE INDEX "JobPeriod_app_proc_volume_instanceNo_idx" ON "JobPeriod"("app", "proc", "volume", "instanceNo");

-- CreateIndex
CREATE INDEX "StoreDay_day_idx" ON "StoreDay"("day");

-- CreateIndex
CREATE INDEX "RecordDay_app_proc_volume_instanceNo_day_idx" ON "RecordDay"("app", "proc", "volume", "instanceNo", "day");
