-- CreateIndex
CREATE INDEX "JobPeriod_end_idx" ON "JobPeriod"("end");
