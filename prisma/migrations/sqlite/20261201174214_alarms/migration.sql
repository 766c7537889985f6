-- CreateTable
CREATE TABLE "Alarm" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "seq" INTEGER NOT NULL,
    "raisedSeq" INTEGER NOT NULL,
    "clearedAt" BIGINT,
    "json" TEXT NOT NULL
);

-- CreateTable
CREATE TABLE "AlarmEvent" (
    "seq" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "at" BIGINT NOT NULL,
    "json" TEXT NOT NULL
);

-- CreateIndex
CREATE INDEX "Alarm_clearedAt_idx" ON "Alarm"("clearedAt");
