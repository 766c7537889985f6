-- CreateTable
CREATE TABLE "JobContent" (
    "jobId" TEXT NOT NULL PRIMARY KEY,
    "json" TEXT NOT NULL
);
