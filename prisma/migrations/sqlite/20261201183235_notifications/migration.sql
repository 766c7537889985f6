-- CreateTable
CREATE TABLE "Notification" (
    "seq" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "id" TEXT NOT NULL,
    "sink" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "json" TEXT NOT NULL
);

-- CreateIndex
CREATE UNIQUE INDEX "Notification_id_key" ON "Notification"("id");

-- CreateIndex
CREATE INDEX "Notification_state_seq_idx" ON "Notification"("state", "seq");

-- CreateIndex
CREATE INDEX "Notification_sink_seq_idx" ON "Notification"("sink", "seq");
