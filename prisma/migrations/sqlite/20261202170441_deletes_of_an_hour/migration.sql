-- CreateTable
CREATE TABLE "DeletedGood" (
    "server" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "snapshot" TEXT NOT NULL,
    "app" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "points" INTEGER NOT NULL,
    "at" BIGINT NOT NULL,

    PRIMARY KEY ("server", "name", "snapshot")
);

-- CreateIndex
CREATE INDEX "DeletedGood_at_idx" ON "DeletedGood"("at");
