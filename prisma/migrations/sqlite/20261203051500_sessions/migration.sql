-- CreateTable
CREATE TABLE "Session" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "hash" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "holder" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "tokenId" TEXT,
    "grants" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "createdAt" TEXT NOT NULL,
    "lastUsedAt" TEXT NOT NULL,
    "expiresAt" TEXT NOT NULL
);
