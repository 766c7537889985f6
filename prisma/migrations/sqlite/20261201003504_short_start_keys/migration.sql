-- DropIndex
DROP INDEX "Record_startKey_key";

-- AlterTable
ALTER TABLE "Record" ADD COLUMN "json" TEXT;

-- CreateIndex
CREATE INDEX "Record_startKey_idx" ON "Record"("startKey");
