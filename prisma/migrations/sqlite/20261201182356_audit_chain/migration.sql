-- AlterTable
ALTER TABLE "Audit" ADD COLUMN "begin" INTEGER;
ALTER TABLE "Audit" ADD COLUMN "hash" TEXT;

-- CreateIndex
CREATE INDEX "Audit_begin_idx" ON "Audit"("begin");
